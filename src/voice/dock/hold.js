// The button that is held to talk, by pointer or key. What only presses it, as a reader of the screen does, talks until it presses again.

import { state } from "./store.js";

const KEYS = ["Enter", " "];

export const holdable = (button, hold) => {
  // A click that comes of a key was held already.
  let isOfKey = false;
  const letGo = () => hold(false);

  button.addEventListener("pointerdown", ({ pointerId }) => {
    button.setPointerCapture(pointerId);
    hold(true);
  });
  for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) button.addEventListener(end, letGo);
  button.addEventListener("keydown", ({ key }) => {
    if (!KEYS.includes(key)) return;
    isOfKey = true;
    hold(true);
  });
  button.addEventListener("keyup", ({ key }) => KEYS.includes(key) && letGo());
  button.addEventListener("blur", () => {
    isOfKey = false;
    letGo();
  });
  // Of a pointer a click has a count.
  button.addEventListener("click", ({ detail }) => {
    if (detail === 0 && !isOfKey) hold(!state.isTalking);
    isOfKey = false;
  });
};
