// Who is on the page, and where this page is. It listens on the socket that the page opens, so that the page's own code, which
// everyone waits for, knows nothing of it. docs/live.md describes what is said.

// Without mouse and keys for this long somebody is idle: longer than one reads a page of figures.
const IDLE_AFTER_MS = 120_000;
// Where the page is, is looked at this often.
const SAID_EVERY_MS = 1_000;
// A page that asks something else opens another socket: those who are here stay shown for as long as that takes.
const KEPT_FOR_MS = 2_000;
// People that are shown; of more, only how many they are.
const SHOWN_MAX = 5;

const Native = window.WebSocket;
let socket;
let said;
let usedAt = Date.now();

const avatar = ({ name, initials, colour, idle, place }) => {
  const words = name + (idle ? ", idle" : "") + (place && `, looking at ${place}`);
  const shown = document.createElement("span");
  shown.className = `avatar is-colour-${colour}${idle ? " is-idle" : ""}`;
  shown.role = "img";
  shown.title = shown.ariaLabel = words;
  shown.textContent = initials;
  return shown;
};

const show = ({ people, more }) => {
  const rest = people.length + more - SHOWN_MAX;
  document.getElementById("people")?.replaceChildren(
    ...people.slice(0, SHOWN_MAX).map(avatar),
    ...(rest > 0 ? [`+${rest}`] : []),
  );
};

// The range in words, and further down the card in the middle of the window.
const place = () => {
  const range = document.querySelector(".menu-chosen")?.textContent ?? "";
  const card = scrollY > 0 && document.elementFromPoint(innerWidth / 2, innerHeight / 2)?.closest("section");
  const title = card && card.querySelector("h2")?.textContent;
  return title ? `${range}: ${title}` : range;
};

const say = () => {
  const idle = document.hidden || Date.now() - usedAt > IDLE_AFTER_MS;
  const here = JSON.stringify({ type: "here", place: place(), idle });
  if (socket?.readyState !== Native.OPEN || here === said) return;
  socket.send(here);
  said = here;
};

window.WebSocket = class extends Native {
  constructor(...address) {
    super(...address);
    // The dock of voice has a socket of its own.
    if (address[0].endsWith("/voice")) return;
    socket = this;
    said = undefined;
    this.addEventListener("message", ({ data }) => {
      if (data.startsWith?.('{"type":"presence"')) show(JSON.parse(data));
    });
    this.addEventListener("close", () =>
      setTimeout(() => socket.readyState === Native.OPEN || show({ people: [], more: 0 }), KEPT_FOR_MS),
    );
  }
};

for (const used of ["pointermove", "keydown"]) addEventListener(used, () => (usedAt = Date.now()), { passive: true });
addEventListener("visibilitychange", say);
setInterval(say, SAID_EVERY_MS);
