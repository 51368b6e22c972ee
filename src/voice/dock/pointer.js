// The pointer of one over the cards of all: where it is on the card, and the words of what is meant.

import { around, named, words } from "./cards.js";
import { el } from "./dom.js";
import { isPresenting, nameOf, person, state } from "./store.js";

const SAID_EVERY_MS = 100;
// A pointer that rests is no pointer any more.
const SHOWN_MS = 3_000;
const THOUSAND = 1_000;

const inThousandths = (at, from, size) => Math.min(THOUSAND, Math.max(0, Math.round(((at - from) / size) * THOUSAND)));

export const pointer = (send) => {
  const isPointing = () => state.seat?.is === "joined" && (state.isPointing || isPresenting());
  let due;
  let where;
  let isShown = false;

  const tell = () => {
    due = undefined;
    if (!isPointing()) return;
    const found = where && around(where.target);
    if (!found) {
      if (isShown) send({ type: "pointer", at: null });
      isShown = false;
      return;
    }
    const { left, top, width, height } = found.card.getBoundingClientRect();
    const at = {
      target: found.name,
      x: inThousandths(where.clientX, left, width),
      y: inThousandths(where.clientY, top, height),
      words: words(where.target, where.clientX),
    };
    isShown = send({ type: "pointer", at });
  };
  document.addEventListener(
    "pointermove",
    (event) => {
      if (!isPointing()) return;
      where = event;
      due ??= setTimeout(tell, SAID_EVERY_MS);
    },
    { passive: true },
  );

  // Of each person the dot that is shown.
  const dots = new Map();
  const takeAway = (number) => {
    const dot = dots.get(number);
    if (!dot) return;
    clearTimeout(dot.timer);
    dot.element.remove();
    dots.delete(number);
  };

  return {
    pointed({ person: number, at }) {
      const card = at && number !== state.you?.person && named(at.target);
      if (!card) return takeAway(number);
      if (!dots.has(number)) {
        const label = el("span", { className: "voice-dot-words" });
        const element = el("div", { className: `voice-dot is-colour-${person(number)?.colour ?? 0}`, aria: { hidden: "true" } }, label);
        document.body.append(element);
        dots.set(number, { element, label });
      }
      const dot = dots.get(number);
      const { left, top, width, height } = card.getBoundingClientRect();
      dot.element.style.left = `${left + scrollX + (at.x / THOUSAND) * width}px`;
      dot.element.style.top = `${top + scrollY + (at.y / THOUSAND) * height}px`;
      dot.element.classList.toggle("is-left", at.x > 600);
      dot.label.textContent = at.words ? `${nameOf(number)}: ${at.words}` : nameOf(number);
      clearTimeout(dot.timer);
      dot.timer = setTimeout(() => takeAway(number), SHOWN_MS);
    },
    // Who has stopped pointing says so.
    stop: () => send({ type: "pointer", at: null }),
    ended: () => [...dots.keys()].forEach(takeAway),
  };
};
