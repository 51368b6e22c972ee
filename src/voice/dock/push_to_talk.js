// Whether one is heard: muted or not, and with the key to talk, only while it is held.

import { isField } from "./dom.js";
import { choices } from "./kept.js";
import { change, state } from "./store.js";

// The last sound of a word comes after the finger has left the key.
const TAIL_MS = 200;

// Passes on whether the key to talk is held.
const watchKey = (hold) => {
  const isKey = (event) => choices.push && state.seat !== null && !state.isChoosingKey && event.code === choices.key && !isField(event.target);

  // Before the page's own keys, and before a button that has the focus: in a call the key is for talking.
  addEventListener(
    "keydown",
    (event) => {
      if (!isKey(event) || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      if (!event.repeat) hold(true);
    },
    true,
  );
  addEventListener(
    "keyup",
    (event) => {
      if (event.code !== choices.key || !choices.push || state.seat === null) return;
      if (!isField(event.target)) event.preventDefault();
      hold(false);
    },
    true,
  );
  // A key that is let go elsewhere is never heard of.
  addEventListener("blur", () => hold(false));
  document.addEventListener("visibilitychange", () => document.hidden && hold(false));
};

export const pushToTalk = ({ send, microphone }) => {
  let tail;

  // The track is silent, not stopped: that takes and gives no time, and packets of silence go on.
  const apply = () => {
    const { track } = microphone();
    if (track) track.enabled = !state.isMuted && (!choices.push || state.isTalking);
  };

  // The server is told what holds: whether one is muted, and if not, whether the key is held.
  const tell = () => {
    const isMuted = state.isMuted || microphone().track === null;
    if (choices.push && !isMuted) send({ type: "ptt", down: state.isTalking });
    else send({ type: "mute", on: isMuted });
  };

  const hold = (down) => {
    clearTimeout(tail);
    if (!choices.push || state.seat === null) return;
    const set = () => {
      change({ isTalking: down });
      apply();
      tell();
    };
    if (down && !state.isTalking) set();
    if (!down && state.isTalking) tail = setTimeout(set, TAIL_MS);
  };

  const mute = (on = !state.isMuted) => {
    change({ isMuted: on });
    apply();
    tell();
  };

  const mode = (push) => {
    if (state.seat === null) return;
    clearTimeout(tail);
    change({ isTalking: false });
    apply();
    if (!push) send({ type: "ptt", down: null });
    tell();
  };

  watchKey(hold);
  return { apply, hold, mute, mode, tell };
};
