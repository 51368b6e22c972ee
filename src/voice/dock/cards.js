// The cards of a page as two browsers can speak of them: by a name that is the same on both.

// So much of a figure's words is said of it: three bytes a letter stay within the 200 that the server takes.
const WORDS_MAX = 66;
// Beside the lines of a chart, as `options` in src/ui/chart/mod.rs draws it.
const [LEFT, RIGHT] = [56, 12];

const all = () => [...document.querySelectorAll("main section")].filter((card) => card.querySelector("h2"));

const nameOf = (card) => card.id || card.getAttribute("aria-labelledby") || card.querySelector("h2").textContent.trim().slice(0, WORDS_MAX);

export const named = (name) => all().find((card) => nameOf(card) === name);

// The innermost card around an element, and its name.
export const around = (element) => {
  const cards = all().filter((card) => card.contains(element));
  const card = cards.at(-1);
  return card ? { card, name: nameOf(card) } : null;
};

// What somebody who has scrolled down looks at; none at the top of the page.
export const inSight = () => {
  if (scrollY === 0) return null;
  const card = all().find((one) => one.getBoundingClientRect().bottom > innerHeight / 3);
  return card ? nameOf(card) : null;
};

const short = (text) => {
  const line = text.replace(/\s+/g, " ").trim();
  return line.length > WORDS_MAX ? `${line.slice(0, WORDS_MAX - 1)}…` : line;
};

const ofRow = (row) => [...row.cells].slice(0, 2).map(({ textContent }) => textContent.trim()).join(": ");

// What is said of each point of a chart, from left to right: a page without wasm has it beside the chart, elsewhere the table below says
// the same, newest first.
const points = (figure) => {
  if (figure.dataset.said) return JSON.parse(figure.dataset.said);
  return [...figure.querySelectorAll(".table-twin tbody tr")].map(ofRow).reverse();
};

// The point of a chart that is nearest to the pointer.
const point = (area, x) => {
  const figure = area.closest("figure");
  const said = figure ? points(figure) : [];
  const { left, width } = area.getBoundingClientRect();
  const part = (x - left - LEFT) / (width - LEFT - RIGHT);
  return said[Math.round(Math.min(1, Math.max(0, part)) * (said.length - 1))] ?? "";
};

// The words of the figure, the row or the point that is meant.
export const words = (element, x) => {
  const area = element.closest(".chart-area");
  if (area) return short(point(area, x));
  const meant = element.closest("[data-figure], tr, dt, dd, li, h2, p");
  return meant ? short(meant.innerText ?? meant.textContent) : "";
};
