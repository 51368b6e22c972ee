// What each message of the server does.

import { comings } from "./announcements.js";
import { end, join, keep } from "./seat.js";
import { blip } from "./sounds.js";
import { change, nameOf, person, room, state } from "./store.js";

const ENDINGS = {
  removed: "An administrator has removed you from the room.",
  closed: "The room was closed.",
  elsewhere: "You have joined from another page.",
};

// Of the rooms and of the seat. `begin` makes the sound of a seat.
const ofSeat = (call, begin) => ({
  rooms({ you, rooms }) {
    const before = room()?.people;
    change({ you, rooms });
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
    const isAnother = !call.seat || call.seat.epoch !== message.epoch;
    call.seat = { room: message.room, epoch: message.epoch, resume: message.resume, attempt: call.seat?.attempt ?? 0 };
    call.isSeated = true;
    call.servers.take(message);
    change({
      seat: { id: message.room, is: "joined" }, presenting: message.presenting, serverMuted: message.server_muted, notice: "",
      ...(isAnother && { slots: [], speakers: new Map() }),
    });
    keep(call);
    call.talk.tell();
    if (state.isDeaf) call.send({ type: "deafen", on: true });
    if (!call.sound) begin(call, message);
    else call.sound.seated(isAnother);
    call.sound?.red(message.red);
  },
  refused({ why, sentence, retry_after_ms: wait }) {
    if (state.seat?.is === "joining" || why === "no_room" || why === "room_full") {
      if (wait === undefined) return end(call, sentence);
      call.retry = setTimeout(() => call.seat && join(call), wait);
    }
    if (why === "media") call.sound?.lost();
    // What was too much at once is tried again by itself.
    if (why !== "rate_limited") change({ notice: sentence });
  },
  left({ why }) {
    if (ENDINGS[why]) end(call, ENDINGS[why]);
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
    change({ presenting: number, ...(number === null && { isFollowing: false }) });
    keep(call);
  },
  view: (message) => call.view.viewed?.(message),
  pointer: (message) => call.view.pointed?.(message),
});

export const heard = (call, begin) => {
  const handle = { ...ofSeat(call, begin), ...ofSound(call), ...ofPeople(call) };
  return (message) => handle[message.type]?.(message);
};
