// The socket to the server: it comes back by itself, for as long as it is wanted.

import { pause } from "./backoff.js";

// Another version of the messages would be another.
const PROTOCOL = "takings.voice.1";
// A socket that does not open within this is given up.
const OPENS_WITHIN_MS = 5_000;
// After so much silence the server is asked whether it is there, and has so long to answer.
const QUIET_MS = 10_000;
const ANSWERS_WITHIN_MS = 3_000;

export const voiceSocket = ({ opened, heard, told }) => {
  let socket;
  let isWanted = false;
  let failed = 0;
  let again;
  let limit;
  let heardAt = 0;

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
    again = setTimeout(connect, pause(failed++));
  };

  const connect = () => {
    drop();
    told("opening");
    socket = new WebSocket(`${location.origin.replace(/^http/, "ws")}/voice`, PROTOCOL);
    limit = setTimeout(lost, OPENS_WITHIN_MS);
    socket.onopen = () => {
      clearTimeout(limit);
      limit = undefined;
      failed = 0;
      heardAt = Date.now();
      told("open");
      opened();
    };
    socket.onmessage = ({ data }) => {
      heardAt = Date.now();
      clearTimeout(limit);
      limit = undefined;
      const message = JSON.parse(data);
      if (message.type !== "pong") heard(message);
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
