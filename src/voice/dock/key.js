// The choice of the key to talk: the next key that is pressed, wherever the page would have it.

import { say } from "./dom.js";
import { choices, choose } from "./kept.js";
import { change } from "./store.js";
import { keyName } from "./words.js";

// Keys that others are held with do nothing alone, and these two leave the choice.
const HELD_WITH_OTHERS = /^(Control|Alt|Meta|OS)/;
const LEAVING = ["Escape", "Tab"];

export const keyChoice = (button, announce) => {
  const end = () => {
    removeEventListener("keydown", take, true);
    button.removeEventListener("blur", end);
    say(button, keyName(choices.key));
    change({ isChoosingKey: false });
  };
  const take = (event) => {
    const { code } = event;
    if (!code || event.ctrlKey || event.altKey || event.metaKey || HELD_WITH_OTHERS.test(code)) return;
    event.stopImmediatePropagation();
    // Tab goes on to what is next.
    if (code !== "Tab") event.preventDefault();
    // Where letting go of a space would press the button again, it does not.
    addEventListener("keyup", (up) => up.preventDefault(), { capture: true, once: true });
    if (!LEAVING.includes(code)) choose({ key: code });
    end();
    if (!LEAVING.includes(code)) announce(`The key to talk is ${keyName(code)}.`);
  };

  button.addEventListener("click", () => {
    say(button, "Press a key…");
    announce("Press a key.");
    // Not every browser gives the focus to a button that is pressed.
    button.focus();
    button.addEventListener("blur", end);
    addEventListener("keydown", take, true);
    change({ isChoosingKey: true });
  });
  say(button, keyName(choices.key));
};
