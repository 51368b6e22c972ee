// What the dock knows, in one place. Whoever shows it is called after a change, once for all changes of a moment.

export const state = {
  isOpen: false,
  // Of the socket: `closed`, `opening`, `open`, or `lost`: then it is tried again.
  link: "closed",
  isOnline: navigator.onLine,
  // Why the server takes no socket, in words.
  turnedAway: "",
  you: null,
  rooms: null,
  // The seat: its room, and whether it is `joining` or `joined`.
  seat: null,
  // The media: `none`, `connecting`, `connected` or `trouble`.
  media: "none",
  serverMuted: false,
  speakers: new Map(),
  slots: [],
  isMuted: false,
  isDeaf: false,
  isTalking: false,
  // Why there is no microphone, in words.
  microphone: null,
  isSoundBlocked: false,
  presenting: null,
  // Whom one follows, for as long as they present.
  following: null,
  isPointing: false,
  // The next key that is pressed is the one to talk with.
  isChoosingKey: false,
  notice: "",
};

const shown = new Set();
let isDue = false;

export const change = (part) => {
  Object.assign(state, part);
  if (isDue) return;
  isDue = true;
  queueMicrotask(() => {
    isDue = false;
    for (const show of shown) show(state);
  });
};

export const onChange = (show) => shown.add(show);

// The room that one sits in, and oneself in it.
export const room = () => state.rooms?.find(({ id }) => id === state.seat?.id);
export const person = (number) => room()?.people.find((one) => one.person === number);
export const isPresenting = () => state.presenting !== null && state.presenting === state.you?.person;
export const isFollowing = () => state.presenting !== null && state.presenting === state.following;
export const nameOf = (number) => person(number)?.name ?? "Somebody";
