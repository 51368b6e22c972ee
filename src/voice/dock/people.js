// The lines of the dock: who is in the room, and the other rooms.

import { el, lines, say } from "./dom.js";
import { setVolume, volumeOf } from "./kept.js";
import { state } from "./store.js";
import { how, names } from "./words.js";

const avatar = ({ initials, colour }) => el("span", { className: `avatar is-colour-${colour}`, aria: { hidden: "true" } }, initials);

const button = (words, press) => el("button", { type: "button", className: "button", onclick: press }, words);

// Loudness, and for administrators what they may do.
const options = (one, { adjusted, moderate }) => {
  const volume = el("input", { type: "range", min: 0, max: 100, step: 5, value: volumeOf(one.person) * 100 });
  volume.oninput = () => {
    setVolume(one.person, volume.valueAsNumber / 100);
    adjusted();
  };
  const silence = button("", () => moderate(one.person, silence.dataset.action));
  const remove = button("Remove from the room", () => moderate(one.person, "remove"));
  const rights = el("div", { className: "voice-row" }, silence, remove);
  const summary = el("summary", { aria: { label: `Options for ${one.name}` } }, "⋯");
  const element = el("details", { className: "voice-more" }, summary,
    el("div", { className: "voice-options" }, el("label", {}, `Volume of ${one.name}`, volume), rights));
  element.onkeydown = (event) => {
    if (event.key !== "Escape" || !element.open) return;
    event.stopPropagation();
    element.open = false;
    summary.focus();
  };
  return {
    element,
    show(now) {
      rights.hidden = !state.you?.is_administrator;
      silence.dataset.action = now.server_muted ? "unmute" : "mute";
      say(silence, now.server_muted ? "Let them be heard" : "Mute for everybody");
    },
  };
};

const personLine = (deeds) => (one) => {
  const isSelf = one.person === state.you?.person;
  const said = el("span", { className: "voice-how quiet" });
  const name = el("span", { className: "voice-name" }, isSelf ? `${one.name} (you)` : one.name);
  const element = el("li", { className: "voice-person", data: { person: one.person } }, avatar(one), name, said);
  const more = isSelf ? null : options(one, deeds);
  if (more) element.append(more.element);
  return {
    element,
    show(now) {
      element.classList.toggle("is-speaking", state.speakers.has(now.person));
      say(said, how(now, state));
      more?.show(now);
    },
  };
};

export const peopleList = (list, deeds) => {
  const show = lines(list, personLine(deeds));
  return (people) => show(people, ({ person }) => person);
};

const roomLine = (join) => (one) => {
  const title = el("h3", {}, one.name);
  const inside = el("p", { className: "quiet" });
  const faces = el("span", { className: "voice-faces" });
  const enter = button("Join", () => join(one.id));
  const element = el("li", { className: "voice-room" }, el("div", {}, title, inside), faces, enter);
  // Faces beside the names: as many as there is place for.
  const FACES_MAX = 4;
  let shown = "";
  return {
    element,
    show(now) {
      say(title, now.name);
      say(inside, names(now.people));
      enter.ariaLabel = `Join ${now.name}`;
      const key = JSON.stringify(now.people.map(({ person, initials }) => [person, initials]));
      if (key === shown) return;
      shown = key;
      faces.replaceChildren(...now.people.slice(0, FACES_MAX).map(avatar));
    },
  };
};

export const roomList = (list, join) => {
  const show = lines(list, roomLine(join));
  return (rooms) => show(rooms, ({ id }) => id);
};
