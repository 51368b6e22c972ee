// A page that follows the server: an event stream says how many changes there have been; after one, the page is asked for
// again, and the parts that are different take the place of those that are shown. A part that somebody works in stays, and the
// page says that there is more to see. Charts stay where they are and draw what is new; tables stay sorted. A page whose figures never rest asks
// every few seconds instead, while it is looked at, and at once when a form that narrows what it shows is changed.

import { FIGURES } from "./charts.js";

const parts = (root) => new Map([...root.querySelectorAll("main section[id]")].map((part) => [part.id, part]));

export const live = (enhance) => {
  const page = document.querySelector("[data-live]");
  if (!page) return;
  let { live: address, changes, every } = page.dataset;
  const said = page.querySelector(".live-said");
  // As the server wrote them, before anything was added.
  const written = new Map([...parts(document)].map(([id, part]) => [id, part.outerHTML]));

  const replaceable = (part) => !part.contains(document.activeElement) && !part.querySelector("[data-upload] li");

  const refresh = async () => {
    const answer = await fetch(location.href);
    if (!answer.ok || answer.redirected) throw new Error(`answered with ${answer.status}`);
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    let kept = 0;
    const now = parts(document);
    for (const [id, part] of parts(fresh)) {
      const html = part.outerHTML;
      const shown = now.get(id);
      if (written.get(id) === html) continue;
      if (!shown || !replaceable(shown)) {
        kept += 1;
        continue;
      }
      written.set(id, html);
      const open = [...shown.querySelectorAll("details")].map((details) => details.open);
      part.querySelectorAll("details").forEach((details, i) => (details.open = open[i] ?? details.open));
      const drawn = shown.querySelectorAll(FIGURES);
      part.querySelectorAll(FIGURES).forEach((fresh, i) => drawn[i]?.take?.(fresh));
      const sorted = [...shown.querySelectorAll("th")].map((th) => th.ariaSort);
      shown.replaceWith(part);
      enhance(part);
      part.querySelectorAll("th").forEach((th, i) => {
        for (let n = 0; n < 2 && sorted[i] && th.ariaSort !== sorted[i]; n++) th.querySelector("button")?.click();
      });
    }
    return kept;
  };

  const say = (sentence, isWhole) => {
    said.textContent = sentence;
    if (isWhole) return;
    const link = document.createElement("a");
    link.href = location.href;
    link.textContent = "Show them";
    said.append(" ", link);
  };

  let running = Promise.resolve();
  if (every) {
    let waiting = 0;
    const look = () => {
      // One look that waits sees everything that another would.
      if (document.hidden || waiting > 1) return;
      waiting += 1;
      running = running
        .then(refresh)
        .then(() => say("", true))
        .catch(() => say("The server cannot be reached: these figures stand still.", true))
        .then(() => (waiting -= 1));
    };
    setInterval(() => waiting || look(), every * 1000);
    document.addEventListener("visibilitychange", look);
    document.querySelector("[data-narrows]")?.addEventListener("input", ({ currentTarget: form }) => {
      const query = new URLSearchParams([...new FormData(form)].filter(([, value]) => value));
      history.replaceState(null, "", `${location.pathname}${query.size ? `?${query}` : ""}`);
      look();
    });
    return;
  }
  const stream = new EventSource(address);
  stream.addEventListener("changes", ({ data }) => {
    if (data === changes) return;
    changes = data;
    running = running
      .then(refresh)
      .then((kept) =>
        kept === 0
          ? say("An import has changed these figures; they are up to date.", true)
          : say("An import has changed these figures. Some of the new ones are not shown yet.", false),
      )
      .catch(() => say("An import has changed these figures; the new ones could not be fetched.", false));
  });
  addEventListener("pagehide", () => stream.close());
};
