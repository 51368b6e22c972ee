// A note on a day, left from within a call: it stands on the charts of everybody at once.

import { say } from "./dom.js";

// The last day of the range that the page shows, else today as the browser has it.
const day = () => {
  const link = document.querySelector(".note-link");
  const shown = new URLSearchParams(location.search).get("to") ?? (link && new URL(link.href).searchParams.get("date"));
  if (/^\d{4}-\d\d-\d\d$/.test(shown ?? "")) return shown;
  const now = new Date();
  return new Date(now.getTime() - now.getTimezoneOffset() * 60_000).toISOString().slice(0, 10);
};

export const annotation = (form, opener) => {
  const said = form.querySelector("[data-part=note-said]");
  const { elements } = form;

  const show = (isShown) => {
    form.hidden = !isShown;
    opener.setAttribute("aria-expanded", isShown);
    if (!isShown) return opener.focus();
    elements.day.value = day();
    say(said, "");
    elements.words.focus();
  };

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    say(said, "");
    const body = JSON.stringify({ from: elements.day.value, text: elements.words.value });
    const headers = { "content-type": "application/json" };
    const answer = await fetch("/api/v1/annotations", { method: "POST", headers, body }).catch(() => null);
    if (answer?.ok) {
      elements.words.value = "";
      return say(said, "The annotation is kept: it stands on the charts.");
    }
    const problem = await answer?.json().catch(() => null);
    say(said, problem?.detail ?? "It could not be kept: the server cannot be reached. Try again.");
  });
  form.addEventListener("reset", () => show(false));
  return () => show(form.hidden);
};
