// What each message of the server does.

import { comings } from "./announcements.js";
import { end, join, keep, move, notice, stay } from "./seat.js";
import { blip } from "./sounds.js";
import { change, isPresenting, nameOf, person, room, state } from "./store.js";
import { sentence } from "./words.js";

const ENDINGS = {
  removed: "An administrator has removed you from the room.",
  closed: "The room was closed.",
  elsewhere: "You have joined from another page.",
  signed_out: "Your session has ended. Sign in again to talk.",
};

// Reasons why there is no seat, and those that may be about something else.
const NO_SEAT = ["no_room", "room_full"];
const MAYBE_NO_SEAT = ["denied", "rate_limited"];

// The server takes no socket. Without a seat there is nothing to wait for, and where voice is off there are no seats.
export const turnAway = (call, { why, sentence: words }) => {
  const turnedAway = why === "off" ? "Voice is not carried here." : sentence(words);
  change({ turnedAway });
  // The open dock says so by itself.
  if (call.seat && (why === "off" || !call.seat.resume)) end(call, state.isOpen ? "" : turnedAway);
};

// Who presents may change with a new seat: none presents on a server that has started again, until who did says so once more.
const presentingIn = (call, { room: id, resumed, presenting }) => {
  if (isPresenting() && presenting === null && !resumed && call.seat.room === id) call.view.presentAgain?.();
  const isOver = presenting === null ? resumed : presenting !== state.following;
  return { presenting, ...(isOver && { following: null }) };
};

// What is refused about a seat that is asked for: it is asked for again, or one stays where one is, or is nowhere.
const unseated = (call, wait, words) => {
  if (wait !== undefined) call.retry = setTimeout(() => call.seat && join(call), wait);
  else if (call.moving !== null) stay(call);
  else end(call, words);
};

// Of the rooms and of the seat. `begin` makes the sound of a seat.
const ofSeat = (call, begin) => ({
  // Who one is is told once on each socket.
  rooms({ you = state.you, rooms }) {
    const before = room()?.people;
    change({ you, rooms, turnedAway: "" });
    const now = room()?.people;
    const news = state.seat?.is === "joined" && before && now && comings(before, now, you.person);
    if (news) {
      call.announce(news.said);
      blip(news.note);
    }
    const self = person(you.person);
    if (self) change({ serverMuted: self.server_muted });
  },
  joined(message) {
    // What was given up before it was given is given back.
    if (!call.seat) return call.send({ type: "leave" });
    if (message.room === call.moving) move(call);
    else if (message.room !== call.seat.room) return;
    const isAnother = call.seat.epoch !== message.epoch;
    const presenting = presentingIn(call, message);
    call.seat = { room: message.room, epoch: message.epoch, resume: message.resume, attempt: call.seat.attempt };
    call.isSeated = true;
    call.servers.take(message);
    change({
      seat: { id: message.room, is: "joined" }, ...presenting, serverMuted: message.server_muted, notice: "",
      ...(isAnother && { slots: [], speakers: new Map() }),
    });
    keep(call);
    call.talk.tell();
    if (state.isDeaf) call.send({ type: "deafen", on: true });
    if (!call.sound) begin(call, message);
    else call.sound.seated(isAnother);
    call.sound?.red(message.red);
  },
  refused({ why, sentence: words, retry_after_ms: wait }) {
    // A seat that is to be taken again on a new socket is asked for until there is an answer.
    const isAgain = wait !== undefined && !call.isSeated;
    const isAsking = isAgain || state.seat?.is === "joining" || call.moving !== null;
    if (why === "media") call.sound?.lost();
    else if (call.seat && (NO_SEAT.includes(why) || (isAsking && MAYBE_NO_SEAT.includes(why)))) unseated(call, wait, sentence(words));
    // What was too much at once is tried again by itself.
    if (call.seat && why !== "rate_limited") notice(call, sentence(words));
  },
  left({ why }) {
    // The seat that is given for another ends before that is told of.
    const isGiven = why === "elsewhere" && call.moving !== null;
    // To one's own leaving nothing is added, but a seat that is to be brought back may have been left elsewhere.
    const isEnd = ENDINGS[why] || (call.seat?.resume && !call.isSeated);
    if (call.seat && isEnd && !isGiven) end(call, ENDINGS[why]);
    if (why === "signed_out") change({ turnedAway: "You are signed out." });
  },
});

// Of the sound.
const ofSound = (call) => ({
  answer: ({ epoch, attempt, sdp }) => epoch === call.seat?.epoch && call.sound?.answer(attempt, sdp),
  ice_servers: (message) => call.servers.take(message),
  connection: ({ attempt, connected }) => (connected ? call.sound?.found(attempt) : call.sound?.lost(attempt)),
  slots({ slots }) {
    change({ slots });
    call.player.adjust();
  },
  speakers: ({ speakers }) => change({ speakers: new Map(speakers) }),
  red: ({ on }) => call.sound?.red(on),
});

// Of what people do in the room.
const ofPeople = (call) => ({
  moderated({ action, by }) {
    if (action === "remove") return;
    change({ serverMuted: action === "mute" });
    call.announce(action === "mute" ? `${by} has muted you: nobody hears you.` : `${by} lets you be heard again.`);
    blip("stopped");
  },
  presenting({ person: number }) {
    if (number === state.presenting) return;
    if (number !== null && number !== state.you?.person) call.announce(`${nameOf(number)} presents.`);
    change({ presenting: number, ...(number !== state.following && { following: null }) });
    keep(call);
  },
  view: (message) => call.view.viewed?.(message),
  pointer: (message) => call.view.pointed?.(message),
});

export const heard = (call, begin) => {
  const handle = { ...ofSeat(call, begin), ...ofSound(call), ...ofPeople(call) };
  return (message) => handle[message.type]?.(message);
};
