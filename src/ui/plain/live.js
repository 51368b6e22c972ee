// A page that follows the server: an event stream says how many changes there have been; after one, the page is asked for
// again, and the parts that are different take the place of those that are shown. A part that somebody works in stays, and the
// page says that there is more to see. Charts stay where they are and draw what is new; tables stay sorted and scrolled. A page whose figures never rest asks
// every few seconds instead, while it is looked at and not paused, and at once when a form that narrows what it shows is changed;
// what it says then stands beside its title.

import { FIGURES } from "./charts.js";

const CHANGED = "An import has changed these figures";
// A server that is gone without a word is no server.
const PATIENCE_MS = 10_000;
// What somebody works in, or has chosen to be sent.
const WORKED_IN = ":is(input,select,textarea,button,summary,a):focus,[data-upload] li";
// What scrolls, and charts that are read by key.
const HELD = "[tabindex]";

// Each knows how the server wrote it, before anything was added.
const parts = (root) => [...root.querySelectorAll("main section[id]")];

export const live = (enhance) => {
  const page = document.querySelector("[data-live]");
  if (!page) return;
  // Where a form has said what is wrong with it, the page has another address than that of its figures.
  let { live: source, changes, every, address = location.pathname, away, ended, kept: stays } = page.dataset;
  const said = page.querySelector(".live-said");
  for (const part of parts(document)) part.written = part.outerHTML;

  const refresh = async () => {
    const answer = await fetch(address + location.search, { signal: AbortSignal.timeout(PATIENCE_MS) });
    if (answer.redirected) throw ended;
    if (!answer.ok) throw answer;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    // What is spoken stays the same element, or nobody would hear it.
    for (const { id, textContent } of fresh.querySelectorAll("p[id][role=status]")) {
      const shown = document.getElementById(id);
      if (shown.textContent !== textContent) shown.textContent = textContent;
    }
    let kept = 0;
    for (const part of parts(fresh)) {
      const shown = document.getElementById(part.id);
      part.written = part.outerHTML;
      if (shown?.written === part.written) continue;
      if (!shown || shown.querySelector(WORKED_IN)) {
        kept++;
        continue;
      }
      const open = [...shown.querySelectorAll("details")].map((details) => details.open);
      part.querySelectorAll("details").forEach((details, i) => (details.open = open[i] ?? details.open));
      const held = [...shown.querySelectorAll(HELD)].map((at) => [at.scrollLeft, at.matches(":focus")]);
      const drawn = shown.querySelectorAll(FIGURES);
      part.querySelectorAll(FIGURES).forEach((fresh, i) => drawn[i]?.take?.(fresh));
      const sorted = [...shown.querySelectorAll("th")].map((th) => th.ariaSort);
      shown.replaceWith(part);
      enhance(part);
      part.querySelectorAll("th").forEach((th, i) => {
        for (let n = 0; n < 2 && sorted[i] && th.ariaSort !== sorted[i]; n++) th.querySelector("button")?.click();
      });
      part.querySelectorAll(HELD).forEach((at, i) => {
        const [left, isFocused] = held[i] ?? [0];
        at.scrollLeft = left;
        if (isFocused) at.focus({ preventScroll: true });
      });
    }
    return kept;
  };

  let spoken = "";
  const say = (sentence, hasMore) => {
    if (spoken === sentence) return;
    said.textContent = spoken = sentence;
    if (!hasMore) return;
    const link = document.createElement("a");
    link.href = address + location.search;
    link.textContent = "Show them";
    said.append(" ", link);
  };

  let running = Promise.resolve();
  if (every) {
    let waiting = 0;
    let isPaused;
    const look = () => {
      // One look that waits sees everything that another would.
      if (document.hidden || waiting > 1) return;
      waiting++;
      running = running
        .then(refresh)
        .then((kept) => say(kept ? stays : ""))
        .catch((why) => say(why === ended ? why : away, why === ended))
        .then(() => waiting--);
    };
    const follow = () => isPaused || waiting || look();
    const pause = page.querySelector("button");
    pause.parentNode.hidden = false;
    pause.onclick = () => {
      pause.ariaPressed = isPaused = !isPaused;
      follow();
    };
    setInterval(follow, every * 1000);
    document.addEventListener("visibilitychange", follow);
    document.querySelector("[data-narrows]")?.addEventListener("input", ({ currentTarget: form }) => {
      const query = new URLSearchParams([...new FormData(form)].filter(([, value]) => value));
      history.replaceState(null, "", address + (query.size ? `?${query}` : ""));
      look();
    });
    return;
  }
  const stream = new EventSource(source);
  stream.addEventListener("changes", ({ data }) => {
    if (data === changes) return;
    changes = data;
    running = running
      .then(refresh)
      .then((kept) =>
        say(`${CHANGED}${kept ? ". Some of the new ones are not shown yet." : "; they are up to date."}`, kept),
      )
      .catch(() => say(`${CHANGED}; the new ones could not be fetched.`, true));
  });
  addEventListener("pagehide", () => stream.close());
};
