// The seat in a room: taken, kept for the next page of the tab, given for another, and given up.

import { keepSeat, keptSeat } from "./kept.js";
import { change, state } from "./store.js";

// Who was away for longer than this does not come back unasked with an open microphone.
const ABSENT_MAX_MS = 15 * 60_000;

export const keep = ({ seat }) =>
  keepSeat(seat && { ...seat, at: Date.now(), isMuted: state.isMuted, isDeaf: state.isDeaf, following: state.following });

export const join = (call) => {
  clearTimeout(call.retry);
  const { room, resume } = call.moving === null ? call.seat : { room: call.moving };
  call.send({ type: "join", room, ...(resume && { resume }) });
};

// The seat stays where it is.
export const stay = (call) => {
  call.moving = null;
  if (!call.isSeated) join(call);
};

// What belongs to a room stays behind.
const hush = (call) => {
  clearTimeout(call.retry);
  call.sound?.end();
  call.sound = undefined;
  call.moving = null;
  call.player.stop();
  call.view.ended?.();
};

// The server has given a seat in another room.
export const move = (call) => {
  hush(call);
  change({ media: "connecting", presenting: null, following: null, isPointing: false });
};

export const start = (call, given) => {
  call.seat = { resume: null, epoch: null, attempt: 0, ...given };
  change({ seat: { id: call.seat.room, is: "joining" }, media: "connecting", notice: "" });
  call.mic.take("call");
  if (call.socket.isOpen()) join(call);
  else call.socket.open();
};

// Something that is to be known of the call.
export const notice = (call, words) => {
  change({ notice: words });
  call.announce(words);
};

export const end = (call, why = "") => {
  hush(call);
  call.seat = null;
  keep(call);
  change({
    seat: null, media: "none", speakers: new Map(), slots: [], serverMuted: false, presenting: null,
    following: null, isPointing: false, isTalking: false, notice: "",
  });
  if (why) notice(call, why);
  call.mic.release("call");
  if (!state.isOpen) call.socket.close();
};

// Comes back after another page was loaded in this tab.
export const resume = (call) => {
  const kept = keptSeat();
  if (!kept || Date.now() - kept.at > ABSENT_MAX_MS) return keepSeat(null);
  const { at, isMuted = false, isDeaf = false, following = null, ...given } = kept;
  change({ isMuted, isDeaf, following });
  start(call, given);
};

// A computer that slept finds out by its clock: `gone` is called when it slept for long.
export const watchSleep = (gone) => {
  let awakeAt = Date.now();
  setInterval(() => {
    if (Date.now() - awakeAt > ABSENT_MAX_MS) gone();
    awakeAt = Date.now();
  }, 1_000);
};
