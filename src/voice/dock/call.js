// A call: brings together the seat, its sound, the microphone and the socket, and offers what one can do in it.

import { credentials } from "./credentials.js";
import { heard, turnAway } from "./heard.js";
import { media } from "./media.js";
import { microphone } from "./microphone.js";
import { playback } from "./playback.js";
import { pushToTalk } from "./push_to_talk.js";
import { end, join, keep, notice, resume, start, watchSleep } from "./seat.js";
import { voiceSocket } from "./socket.js";
import { change, person, state } from "./store.js";

// A microphone that is allowed already is there before this; one that is asked about comes later, and is added then.
const MICROPHONE_MS = 250;

const later = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

// Somebody is to be heard: the server has put on a line who is connected and not muted.
const isExpected = () =>
  !state.isDeaf &&
  state.slots.some((number) => {
    const one = number !== null && person(number);
    return one && one.state === "connected" && !one.muted && !one.server_muted;
  });

// The sound of a seat.
const begin = async (call, { slots, red }) => {
  const { epoch } = call.seat;
  await Promise.race([call.mic.take("call"), later(MICROPHONE_MS)]);
  // The seat may have become another meanwhile, with a sound of its own to come.
  if (call.seat?.epoch !== epoch || call.sound) return;
  call.sound = media({
    slots,
    next: () => {
      call.seat.attempt += 1;
      keep(call);
      return call.seat.attempt;
    },
    servers: async () => (call.isSeated ? call.servers.fresh() : null),
    send: (message) => call.send({ epoch: call.seat.epoch, ...message }),
    track: () => call.mic.track,
    isExpected,
    play: (tracks) => call.player.play(tracks),
    told: (how) => change({ media: how, ...(how === "connected" && { notice: "" }) }),
    report: (what) => {
      call.send({ type: "stats", ...what });
      keep(call);
    },
    ask: () => call.socket.check(1_000),
  });
  call.sound.red(red);
};

// What the browser tells of the network, the page and whoever sits before it.
const watchBrowser = (call) => {
  const back = () => {
    change({ isOnline: navigator.onLine });
    call.socket.hurry();
    call.sound?.hurry();
  };
  addEventListener("online", back);
  addEventListener("offline", back);
  navigator.connection?.addEventListener?.("change", back);
  // A browser lets a page sound once somebody has done something on it.
  for (const deed of ["pointerdown", "keydown"]) addEventListener(deed, () => state.isSoundBlocked && call.player.enable());
  addEventListener("pagehide", () => {
    keep(call);
    call.sound?.end();
    call.socket.close();
  });
  addEventListener("pageshow", ({ persisted }) => persisted && location.reload());
};

// What one can do.
const deeds = (call) => ({
  join(id) {
    if (call.seat?.room === id || call.moving === id) return;
    // There is no seat yet that could be lost.
    if (state.seat?.is === "joining") this.leave();
    if (!call.seat) return start(call, { room: id });
    // The server gives the other seat for this one, or says why not: then one stays.
    call.moving = id;
    join(call);
  },
  leave() {
    call.send({ type: "leave" });
    end(call);
  },
  resume: () => resume(call),
  mute(on) {
    call.talk.mute(on);
    keep(call);
  },
  deafen() {
    change({ isDeaf: !state.isDeaf });
    call.player.adjust();
    call.send({ type: "deafen", on: state.isDeaf });
    keep(call);
  },
  moderate: (number, action) => call.send({ type: "moderate", person: number, action }),
});

export const voice = ({ place, announce, view }) => {
  // The seat, with what the server gave: room, epoch, resume token, and how many connections there have been; the room one moves to;
  // the sound; and whether the server knows the seat on this socket.
  const call = { seat: null, moving: null, sound: undefined, isSeated: false, announce, view, player: playback(place) };
  const send = (message) => call.socket.send(message);
  call.send = send;
  call.mic = microphone({
    changed(track, problem) {
      change({ microphone: problem });
      call.talk.apply();
      call.sound?.speak(track);
      if (state.seat) call.talk.tell();
      view.microphone?.();
    },
    kept: (why) => notice(call, why),
    closed: () => view.microphone?.(),
  });
  call.servers = credentials(() => send({ type: "ice_servers" }));
  call.talk = pushToTalk({ send, microphone: () => call.mic });
  call.socket = voiceSocket({
    opened: () => call.seat && join(call),
    heard: heard(call, begin),
    told: (link) => {
      if (link !== "open") call.isSeated = false;
      // What was known of the rooms is soon long ago.
      change({ link, ...(link === "closed" && { rooms: null, turnedAway: "" }) });
    },
    turnedAway: (message) => turnAway(call, message),
  });
  watchSleep(() => {
    if (!call.seat) return;
    send({ type: "leave" });
    end(call, "You were away for long: join again to talk.");
  });
  watchBrowser(call);
  const { player, mic, talk, socket } = call;
  return { player, mic, talk, socket, send, announce, keep: () => keep(call), ...deeds(call) };
};
