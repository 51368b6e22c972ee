// The dock as it is seen: shows what is known, and passes on what is pressed.

import { annotation } from "./annotation.js";
import { devices } from "./devices.js";
import { el, say } from "./dom.js";
import { holdable } from "./hold.js";
import { choices } from "./kept.js";
import { look } from "./look.js";
import { peopleList, roomList } from "./people.js";
import { change, isFollowing, isPresenting, nameOf, room, state } from "./store.js";
import { names, status } from "./words.js";

// What the closed dock says in the place of its name.
const AMISS = { connecting: "Connecting", trouble: "Interrupted" };

// What is to be known of a call while the dock is closed, above its button.
const beside = () =>
  el("div", { className: "notice is-warning voice-beside", hidden: true, data: { part: "beside" } }, el("span"),
    el("button", { type: "button", className: "button", data: { do: "read" } }, "Close"));

const showTogether = ({ buttons, hide, pressed }) => {
  const isMine = isPresenting();
  const other = state.presenting !== null && !isMine;
  pressed("present", isMine);
  hide("present", other);
  hide("follow", !other);
  if (other) say(buttons("follow")[0], `Follow ${nameOf(state.presenting)}`);
  pressed("follow", isFollowing());
  pressed("point", state.isPointing);
};

const showCall = ({ part, pressed, hide, once, warn }, people) => {
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
};

const showRooms = ({ part, hide }, rooms) => {
  const others = (state.rooms ?? []).filter(({ id }) => id !== state.seat?.id);
  rooms(others);
  part("calls").hidden = !state.you?.is_administrator;
  say(part("rooms-title"), state.seat ? "Other rooms" : "Rooms");
  part("rooms-title").hidden = !!state.seat && others.length === 0;
  part("empty").hidden = state.rooms?.length !== 0;
  hide("again", state.link !== "lost" || (state.seat !== null && !state.turnedAway));
};

// The closed dock says as much as there is place for.
const showBar = (dock, { part, buttons, warn }) => {
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
  warn("beside", state.isOpen ? "" : state.notice);
  dock.dataset.media = state.seat ? state.media : "none";
  dock.classList.toggle("is-heard", state.speakers.size > 0);
  document.body.classList.toggle("has-voice", state.isOpen);
  part("panel").hidden = !state.isOpen;
};

// What had the focus and is gone gives it to the dock: the page would begin again at its top. What was moved keeps it.
const keepFocus = (dock, other, update) => {
  const focused = dock.contains(document.activeElement) ? document.activeElement : null;
  update();
  if (!focused) return;
  if (focused.getClientRects().length === 0) other().focus();
  else if (document.activeElement !== focused) focused.focus();
};

// What each button does, by its name.
const deedsOf = (call, together, writes) => ({
  ...together,
  mute: () => call.mute(),
  deafen: call.deafen,
  leave: call.leave,
  sound: call.player.enable,
  again: () => call.socket.hurry(),
  microphone: () => call.mic.again(),
  note: writes,
  read: () => change({ notice: "" }),
});

export const panel = (dock, call, together) => {
  const looked = look(dock);
  const { part, buttons, warn } = looked;
  part("panel").after(beside());
  const people = peopleList(part("people"), { adjusted: call.player.adjust, moderate: call.moderate });
  const rooms = roomList(part("rooms"), (id) => call.join(id));
  const settings = devices(part("devices"), call);
  const deeds = deedsOf(call, together, annotation(part("note"), buttons("note")[0]));
  dock.addEventListener("click", ({ target }) => deeds[target.closest("[data-do]")?.dataset.do]?.());
  holdable(buttons("talk")[0], call.talk.hold);

  const [toggleButton] = buttons("toggle");
  const first = () => (state.isOpen ? part("title") : toggleButton);
  const show = () =>
    keepFocus(dock, first, () => {
      say(part("status"), status(state));
      warn("notice", state.notice);
      showCall(looked, people);
      showTogether(looked);
      showRooms(looked, rooms);
      showBar(dock, looked);
    });
  return { show, measured: settings.measure, focus: () => first().focus() };
};
