// The socket to the server: it comes back by itself, for as long as it is wanted.

import { pause } from "./backoff.js";

// Another version of the messages would be another.
const PROTOCOL = "takings.voice.1";
// A socket that does not open within this is given up.
const OPENS_WITHIN_MS = 5_000;
// After so much silence the server is asked whether it is there, and has so long to answer.
const QUIET_MS = 10_000;
const ANSWERS_WITHIN_MS = 3_000;
// A server that has turned the socket away with a reason is asked again after about so long.
const TURNED_AWAY_MS = 60_000;

// What a server says instead of telling of the rooms, or before it closes for good: it would say so again at once.
const isTurningAway = ({ type, why }, isTaken) => (type === "refused" && !isTaken) || (type === "left" && why === "signed_out");

const isOpen = ({ socket }) => socket?.readyState === WebSocket.OPEN;

const limit = (line, milliseconds) => (line.limit = setTimeout(() => lost(line), milliseconds));
const unlimit = (line) => {
  clearTimeout(line.limit);
  line.limit = undefined;
};

const drop = (line) => {
  clearTimeout(line.again);
  unlimit(line);
  const old = line.socket;
  line.socket = undefined;
  if (!old) return;
  // One that hangs closes when it can; nobody listens to it any more.
  old.onopen = old.onmessage = old.onclose = null;
  old.close();
};

const lost = (line) => {
  drop(line);
  if (!line.isWanted) return;
  line.told("lost");
  const wait = line.isTurnedAway ? TURNED_AWAY_MS * (0.75 + Math.random() / 4) : pause(line.failed++);
  line.again = setTimeout(() => connect(line), wait);
};

const take = (line, message) => {
  if (message.type === "rooms") {
    line.isTaken = true;
    // Only now: a server that opens sockets and closes them at once has taken none.
    line.failed = 0;
  }
  if (isTurningAway(message, line.isTaken)) line.isTurnedAway = true;
  if (message.type === "refused" && !line.isTaken) line.turnedAway(message);
  else if (message.type !== "pong") line.heard(message);
};

const connect = (line) => {
  drop(line);
  line.isTaken = line.isTurnedAway = false;
  line.told("opening");
  line.socket = new WebSocket(`${location.origin.replace(/^http/, "ws")}/voice`, PROTOCOL);
  limit(line, OPENS_WITHIN_MS);
  line.socket.onopen = () => {
    unlimit(line);
    line.heardAt = Date.now();
    line.told("open");
    line.opened();
  };
  line.socket.onmessage = ({ data }) => {
    unlimit(line);
    line.heardAt = Date.now();
    take(line, JSON.parse(data));
  };
  line.socket.onclose = () => lost(line);
};

const send = (line, message) => {
  if (isOpen(line)) line.socket.send(JSON.stringify(message));
  return isOpen(line);
};

// Whether the server is there still: what answers nothing is replaced.
const check = (line, within = ANSWERS_WITHIN_MS) => {
  if (!isOpen(line) || line.limit !== undefined) return;
  send(line, { type: "ping" });
  limit(line, within);
};

// `told` is told how the socket is, `heard` what the server says, and `turnedAway` why it takes no socket.
export const voiceSocket = (given) => {
  // The socket, whether it is wanted, and how often it failed since the server took one: told of the rooms on it.
  const line = { ...given, socket: undefined, isWanted: false, failed: 0, isTaken: false, isTurnedAway: false, heardAt: 0 };
  setInterval(() => Date.now() - line.heardAt > QUIET_MS && check(line), QUIET_MS / 2);

  return {
    isOpen: () => isOpen(line),
    send: (message) => send(line, message),
    check: (within) => check(line, within),
    open() {
      if (line.isWanted) return;
      line.isWanted = true;
      line.failed = 0;
      connect(line);
    },
    close() {
      line.isWanted = false;
      drop(line);
      line.told("closed");
    },
    // Tries at once, and with short pauses again: the network has come back, or somebody asks for it.
    hurry() {
      line.failed = 0;
      if (!line.isWanted) return;
      if (isOpen(line)) check(line, 1_000);
      else connect(line);
    },
  };
};
