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

// `turnedAway` is told why the server takes no socket.
export const voiceSocket = ({ opened, heard, told, turnedAway }) => {
  let socket;
  let isWanted = false;
  let failed = 0;
  let again;
  let limit;
  let heardAt = 0;
  // The server has taken this socket: it has told of the rooms.
  let isTaken = false;
  let isTurnedAway = false;

  const drop = () => {
    clearTimeout(again);
    clearTimeout(limit);
    limit = undefined;
    const old = socket;
    socket = undefined;
    if (!old) return;
    // One that hangs closes when it can; nobody listens to it any more.
    old.onopen = old.onmessage = old.onclose = null;
    old.close();
  };

  const lost = () => {
    drop();
    if (!isWanted) return;
    told("lost");
    again = setTimeout(connect, isTurnedAway ? TURNED_AWAY_MS * (0.75 + Math.random() / 4) : pause(failed++));
  };

  const connect = () => {
    drop();
    isTaken = isTurnedAway = false;
    told("opening");
    socket = new WebSocket(`${location.origin.replace(/^http/, "ws")}/voice`, PROTOCOL);
    limit = setTimeout(lost, OPENS_WITHIN_MS);
    socket.onopen = () => {
      clearTimeout(limit);
      limit = undefined;
      heardAt = Date.now();
      told("open");
      opened();
    };
    socket.onmessage = ({ data }) => {
      heardAt = Date.now();
      clearTimeout(limit);
      limit = undefined;
      const message = JSON.parse(data);
      if (message.type === "rooms") {
        isTaken = true;
        // Only now: a server that opens sockets and closes them at once has taken none.
        failed = 0;
      }
      if (isTurningAway(message, isTaken)) isTurnedAway = true;
      if (message.type === "refused" && !isTaken) turnedAway(message);
      else if (message.type !== "pong") heard(message);
    };
    socket.onclose = lost;
  };

  const isOpen = () => socket?.readyState === WebSocket.OPEN;
  const send = (message) => {
    if (isOpen()) socket.send(JSON.stringify(message));
    return isOpen();
  };
  // Whether the server is there still: what answers nothing is replaced.
  const check = (within = ANSWERS_WITHIN_MS) => {
    if (!isOpen() || limit !== undefined) return;
    send({ type: "ping" });
    limit = setTimeout(lost, within);
  };
  setInterval(() => Date.now() - heardAt > QUIET_MS && check(), QUIET_MS / 2);

  return {
    isOpen,
    send,
    check,
    open() {
      if (isWanted) return;
      isWanted = true;
      failed = 0;
      connect();
    },
    close() {
      isWanted = false;
      drop();
      told("closed");
    },
    // Tries at once, and with short pauses again: the network has come back, or somebody asks for it.
    hurry() {
      failed = 0;
      if (!isWanted) return;
      if (isOpen()) check(1_000);
      else connect();
    },
  };
};
