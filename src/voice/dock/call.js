// The seat in a room: taken, kept over lost sockets, other pages and restarts of the server, and given up.

import { keepSeat, keptSeat } from "./kept.js";
import { media } from "./media.js";
import { microphone } from "./microphone.js";
import { playback } from "./playback.js";
import { voiceSocket } from "./socket.js";
import { blip } from "./sounds.js";
import { change, nameOf, person, room, state } from "./store.js";
import { talk } from "./talk.js";

// A microphone that is allowed already is there before this; one that is asked about comes later, and is added then.
const MICROPHONE_MS = 250;
// Who was away for longer than this does not come back unasked with an open microphone.
const ABSENT_MAX_MS = 15 * 60_000;
// Credentials of the relay are asked for anew before they end.
const FRESH_PART = 0.8;
// So long an answer about them is waited for.
const SERVERS_WITHIN_MS = 1_000;

const later = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

export const voice = ({ place, announce, view }) => {
  // What the server gave: room, epoch, resume token; and how many connections there have been.
  let seat = null;
  let servers = { list: [], until: 0 };
  let asked = [];
  let sound;
  let retry;
  // Whether the server knows the seat on this socket, and since when there was none.
  let isSeated = false;
  let lostAt = 0;
  const player = playback(place);

  const mic = microphone((track, problem) => {
    change({ microphone: problem });
    speaking.apply();
    sound?.speak(track);
    if (state.seat) speaking.tell();
    view.microphone?.(mic.track);
  }, (notice) => {
    change({ notice });
    announce(notice);
  });

  const socket = voiceSocket({
    opened: () => {
      if (lostAt && Date.now() - lostAt > ABSENT_MAX_MS) gone();
      lostAt = 0;
      if (seat) join();
    },
    heard: (message) => handle[message.type]?.(message),
    told: (link) => {
      if (link !== "open") isSeated = false;
      if (link === "lost") lostAt ||= Date.now();
      change({ link });
    },
  });
  const send = (message) => socket.send(message);
  const speaking = talk({ send, microphone: () => mic });

  const keep = () =>
    keepSeat(seat && { ...seat, at: Date.now(), isMuted: state.isMuted, isDeaf: state.isDeaf, isFollowing: state.isFollowing });

  const join = () => {
    clearTimeout(retry);
    send({ type: "join", room: seat.room, ...(seat.resume && { resume: seat.resume }) });
  };

  const end = (notice = "") => {
    clearTimeout(retry);
    sound?.end();
    sound = undefined;
    seat = null;
    keep();
    player.stop();
    change({
      seat: null, media: "none", speakers: new Map(), slots: [], serverMuted: false, presenting: null,
      isFollowing: false, isPointing: false, isTalking: false, notice,
    });
    mic.release("call");
    view.ended?.();
    if (!state.isOpen) socket.close();
  };

  const gone = () => seat && end("You were away for long: join again to talk.");
  // A computer that slept finds out by its clock.
  let awakeAt = Date.now();
  setInterval(() => {
    if (Date.now() - awakeAt > ABSENT_MAX_MS) gone();
    awakeAt = Date.now();
  }, 1_000);

  // Credentials that last, or none while the server cannot be asked.
  const freshServers = async () => {
    if (!isSeated) return null;
    if (performance.now() < servers.until) return servers.list;
    const answered = new Promise((resolve) => asked.push(resolve));
    send({ type: "ice_servers" });
    await Promise.race([answered, later(SERVERS_WITHIN_MS)]);
    return servers.list;
  };
  const take = ({ ice_servers: list, ttl_seconds: seconds }) => {
    servers = { list, until: performance.now() + seconds * 1_000 * FRESH_PART };
    asked.splice(0).forEach((resolve) => resolve());
  };

  // Somebody is to be heard: the server has put on a line who is connected and not muted.
  const isExpected = () =>
    !state.isDeaf &&
    state.slots.some((number) => {
      const one = number !== null && person(number);
      return one && one.state === "connected" && !one.muted && !one.server_muted;
    });

  const begin = async (slots, red) => {
    await Promise.race([mic.take("call"), later(MICROPHONE_MS)]);
    if (!seat || sound) return;
    sound = media({
      slots,
      next: () => {
        seat.attempt += 1;
        keep();
        return seat.attempt;
      },
      servers: freshServers,
      send: (message) => send({ epoch: seat.epoch, ...message }),
      track: () => mic.track,
      isExpected,
      play: (tracks) => player.play(tracks),
      told: (how) => change({ media: how, ...(how === "connected" && { notice: "" }) }),
      report: (what) => {
        send({ type: "stats", ...what });
        keep();
      },
      ask: () => socket.check(1_000),
    });
    sound.red(red);
  };

  const handle = {
    rooms({ you, rooms }) {
      const before = room()?.people;
      change({ you, rooms });
      const now = room()?.people;
      if (state.seat?.is === "joined" && before && now) tellOfPeople(before, now);
      const self = person(you.person);
      if (self) change({ serverMuted: self.server_muted });
    },
    joined(message) {
      const isAnother = !seat || seat.epoch !== message.epoch;
      seat = { room: message.room, epoch: message.epoch, resume: message.resume, attempt: seat?.attempt ?? 0 };
      isSeated = true;
      take(message);
      change({
        seat: { id: message.room, is: "joined" }, presenting: message.presenting, serverMuted: message.server_muted, notice: "",
        ...(isAnother && { slots: [], speakers: new Map() }),
      });
      keep();
      speaking.tell();
      if (state.isDeaf) send({ type: "deafen", on: true });
      if (!sound) begin(message.slots, message.red);
      else sound.seated(isAnother);
      sound?.red(message.red);
    },
    answer: ({ epoch, attempt, sdp }) => epoch === seat?.epoch && sound?.answer(attempt, sdp),
    ice_servers: take,
    connection: ({ attempt, connected }) => (connected ? sound?.found(attempt) : sound?.lost(attempt)),
    slots({ slots }) {
      change({ slots });
      player.adjust();
    },
    speakers: ({ speakers }) => change({ speakers: new Map(speakers) }),
    red: ({ on }) => sound?.red(on),
    moderated({ action, by }) {
      if (action === "remove") return;
      change({ serverMuted: action === "mute" });
      announce(action === "mute" ? `${by} has muted you: nobody hears you.` : `${by} lets you be heard again.`);
      blip("stopped");
    },
    presenting({ person: number }) {
      if (number === state.presenting) return;
      if (number !== null && number !== state.you?.person) announce(`${nameOf(number)} presents.`);
      change({ presenting: number, ...(number === null && { isFollowing: false }) });
      keep();
    },
    view: (message) => view.viewed?.(message),
    pointer: (message) => view.pointed?.(message),
    refused({ why, sentence, retry_after_ms: wait }) {
      if (state.seat?.is === "joining" || why === "no_room" || why === "room_full") {
        if (wait === undefined) return end(sentence);
        retry = setTimeout(() => seat && join(), wait);
      }
      if (why === "media") sound?.lost();
      // What was too much at once is tried again by itself.
      if (why !== "rate_limited") change({ notice: sentence });
    },
    left({ why }) {
      if (why === "removed") end("An administrator has removed you from the room.");
      if (why === "closed") end("The room was closed.");
      if (why === "elsewhere") end("You have joined from another page.");
    },
  };

  const tellOfPeople = (before, now) => {
    const self = state.you.person;
    const without = (these, those) => these.filter((one) => one.person !== self && !those.some((other) => other.person === one.person));
    const [came, went] = [without(now, before), without(before, now)];
    const words = (people, deed) =>
      people.length > 3 ? `${people.length} people ${deed}.` : people.map(({ name }) => `${name} ${deed}.`).join(" ");
    const said = [words(came, "joined"), words(went, "left")].filter(Boolean).join(" ");
    if (!said) return;
    announce(said);
    blip(came.length > 0 ? "comes" : "goes");
  };

  const start = (kept) => {
    seat = { resume: null, epoch: null, attempt: 0, ...kept };
    change({ seat: { id: seat.room, is: "joining" }, media: "connecting", notice: "" });
    mic.take("call");
    if (socket.isOpen()) join();
    else socket.open();
  };

  const back = () => {
    change({ isOnline: navigator.onLine });
    socket.hurry();
    sound?.hurry();
  };
  addEventListener("online", back);
  addEventListener("offline", back);
  navigator.connection?.addEventListener?.("change", back);
  // A browser lets a page sound once somebody has done something on it.
  for (const deed of ["pointerdown", "keydown"]) addEventListener(deed, () => state.isSoundBlocked && player.enable());
  addEventListener("pagehide", () => {
    keep();
    sound?.end();
    socket.close();
  });
  addEventListener("pageshow", ({ persisted }) => persisted && location.reload());

  return {
    socket, mic, player, talk: speaking, send, keep,
    join(id) {
      if (seat?.room === id) return;
      if (seat) this.leave();
      start({ room: id });
    },
    leave() {
      send({ type: "leave" });
      end();
    },
    // Comes back after another page was loaded in this tab.
    resume() {
      const kept = keptSeat();
      if (!kept || Date.now() - kept.at > ABSENT_MAX_MS) return keepSeat(null);
      const { at, isMuted = false, isDeaf = false, isFollowing = false, ...given } = kept;
      change({ isMuted, isDeaf, isFollowing });
      start(given);
    },
    mute(on) {
      speaking.mute(on);
      keep();
    },
    deafen() {
      change({ isDeaf: !state.isDeaf });
      player.adjust();
      send({ type: "deafen", on: state.isDeaf });
      keep();
    },
    moderate: (number, action) => send({ type: "moderate", person: number, action }),
  };
};
