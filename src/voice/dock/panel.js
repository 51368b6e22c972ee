// The dock as it is seen: shows what is known, and passes on what is pressed.

import { annotation } from "./annotation.js";
import { devices } from "./devices.js";
import { say } from "./dom.js";
import { choices } from "./kept.js";
import { peopleList, roomList } from "./people.js";
import { isFollowing, isPresenting, nameOf, room, state } from "./store.js";
import { names, status } from "./words.js";

// What the closed dock says in the place of its name.
const AMISS = { connecting: "Connecting", trouble: "Interrupted" };

export const panel = (dock, call, together) => {
  const part = (name) => dock.querySelector(`[data-part="${name}"]`);
  const deeds = {};
  const buttons = (name) => dock.querySelectorAll(`[data-do="${name}"]`);
  const press = (name, does) => (deeds[name] = does);

  const people = peopleList(part("people"), { adjusted: call.player.adjust, moderate: call.moderate });
  const rooms = roomList(part("rooms"), (id) => call.join(id));
  const settings = devices(part("devices"), call);
  const writes = annotation(part("note"), buttons("note")[0]);

  press("close", together.close);
  press("toggle", together.toggle);
  press("mute", () => call.mute());
  press("deafen", call.deafen);
  press("leave", () => {
    call.leave();
    part("title").focus();
  });
  press("sound", call.player.enable);
  press("again", () => call.socket.hurry());
  press("microphone", () => call.mic.again());
  press("present", together.present);
  press("follow", together.follow);
  press("point", together.point);
  press("note", writes);
  dock.addEventListener("click", ({ target }) => deeds[target.closest("[data-do]")?.dataset.do]?.());

  // To be held, by pointer or key.
  const hold = buttons("talk")[0];
  hold.addEventListener("pointerdown", (event) => {
    hold.setPointerCapture(event.pointerId);
    call.talk.hold(true);
  });
  for (const end of ["pointerup", "pointercancel"]) hold.addEventListener(end, () => call.talk.hold(false));
  hold.addEventListener("keydown", ({ key }) => key === "Enter" && call.talk.hold(true));
  hold.addEventListener("keyup", ({ key }) => key === "Enter" && call.talk.hold(false));

  const pressed = (name, is) => buttons(name).forEach((button) => button.setAttribute("aria-pressed", is));
  const hide = (name, is) => buttons(name).forEach((button) => (button.hidden = is));
  // In the panel, which comes first, or beside the closed dock.
  const once = (name, is) => buttons(name).forEach((button, i) => (button.hidden = !is || (state.isOpen && i > 0)));
  const warn = (name, words) => {
    say(part(name).querySelector("span"), words);
    part(name).hidden = !words;
  };

  const showTogether = () => {
    const isMine = isPresenting();
    const other = state.presenting !== null && !isMine;
    pressed("present", isMine);
    hide("present", other);
    hide("follow", !other);
    if (other) say(buttons("follow")[0], `Follow ${nameOf(state.presenting)}`);
    pressed("follow", isFollowing());
    pressed("point", state.isPointing);
  };

  const showCall = () => {
    const mine = room();
    part("call").hidden = !state.seat;
    say(part("room"), mine?.name ?? "");
    people(mine?.people ?? []);
    pressed("mute", state.isMuted);
    pressed("deafen", state.isDeaf);
    pressed("talk", state.isTalking);
    hide("talk", !choices.push || !state.seat);
    once("mute", !!state.seat);
    once("sound", state.isSoundBlocked);
    warn("microphone", state.seat ? (state.microphone ?? "") : "");
    showTogether();
  };

  const showRooms = () => {
    const others = (state.rooms ?? []).filter(({ id }) => id !== state.seat?.id);
    rooms(others);
    part("calls").hidden = !state.you?.is_administrator;
    say(part("rooms-title"), state.seat ? "Other rooms" : "Rooms");
    part("rooms-title").hidden = !!state.seat && others.length === 0;
    part("empty").hidden = state.rooms?.length !== 0;
    hide("again", state.link !== "lost" || (state.seat !== null && !state.turnedAway));
  };

  // The closed dock says as much as there is place for.
  const showBar = () => {
    const inside = (state.seat ? room()?.people : state.rooms?.flatMap((one) => one.people)) ?? [];
    const trouble = state.seat ? (AMISS[state.media] ?? "") : "";
    const count = inside.length > 0 ? ` ${inside.length}` : "";
    const where = state.seat ? ` in ${room()?.name ?? "a room"}` : " in rooms";
    say(part("word"), trouble || "Voice");
    say(part("count"), count);
    const [toggle] = buttons("toggle");
    toggle.ariaLabel = (trouble || "Voice") + (count && count + where) + (trouble && ", voice");
    toggle.title = inside.length > 0 ? names(inside) : "";
    toggle.ariaExpanded = String(state.isOpen);
    dock.dataset.media = state.seat ? state.media : "none";
    dock.classList.toggle("is-heard", state.speakers.size > 0);
    document.body.classList.toggle("has-voice", state.isOpen);
    part("panel").hidden = !state.isOpen;
  };

  const show = () => {
    say(part("status"), status(state));
    warn("notice", state.notice);
    showCall();
    showRooms();
    showBar();
  };

  return { show, measured: settings.measure, focus: () => part("title").focus(), toggleButton: buttons("toggle")[0] };
};
