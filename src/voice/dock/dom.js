// Elements: made, found and kept in order. Text only ever becomes text.

// An element with properties and children; `data` and `aria` are attributes of these families.
export const el = (tag, { data = {}, aria = {}, ...properties } = {}, ...children) => {
  const made = Object.assign(document.createElement(tag), properties);
  Object.assign(made.dataset, data);
  for (const [name, value] of Object.entries(aria)) made.setAttribute(`aria-${name}`, value);
  made.append(...children);
  return made;
};

// A list whose lines stay the same elements while their things change: an open menu stays open, a slider in hand stays in hand.
export const lines = (list, make) => {
  const known = new Map();
  return (things, keyOf) => {
    const now = new Set(things.map(keyOf));
    for (const [key, line] of known) {
      if (now.has(key)) continue;
      line.element.remove();
      known.delete(key);
    }
    things.forEach((thing, i) => {
      const key = keyOf(thing);
      if (!known.has(key)) known.set(key, make(thing));
      const line = known.get(key);
      line.show(thing);
      if (list.children[i] !== line.element) list.insertBefore(line.element, list.children[i] ?? null);
    });
  };
};

// Writes only what is different: a screen reader says again what is written again.
export const say = (element, words) => {
  if (element.textContent !== words) element.textContent = words;
};

const TYPED_IN = "input, textarea, select, [contenteditable]:not([contenteditable=false])";
// A button that looks like a field takes no letters.
const PRESSED = "input:is([type=button], [type=submit], [type=reset])";
export const isField = (target) => !!target?.closest?.(TYPED_IN) && !target.matches(PRESSED);
