// The parts of the dock and its buttons by name, and what is done to them.

import { say } from "./dom.js";
import { state } from "./store.js";

export const look = (dock) => {
  const part = (name) => dock.querySelector(`[data-part="${name}"]`);
  const buttons = (name) => dock.querySelectorAll(`[data-do="${name}"]`);
  return {
    part,
    buttons,
    pressed: (name, is) => buttons(name).forEach((button) => button.setAttribute("aria-pressed", is)),
    hide: (name, is) => buttons(name).forEach((button) => (button.hidden = is)),
    // In the panel, which comes first, or beside the closed dock.
    once: (name, is) => buttons(name).forEach((button, i) => (button.hidden = !is || (state.isOpen && i > 0))),
    warn(name, words) {
      say(part(name).querySelector("span"), words);
      part(name).hidden = !words;
    },
  };
};
