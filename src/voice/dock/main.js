// The dock of voice on every page: opens and closes it, and brings a call that was under way on the page before along.

import { announcer, troubles } from "./announcements.js";
import { voice } from "./call.js";
import { isField } from "./dom.js";
import { follow } from "./follow.js";
import { keepOpen, wasOpen } from "./kept.js";
import { panel } from "./panel.js";
import { pointer } from "./pointer.js";
import { change, onChange, state } from "./store.js";

const dock = document.getElementById("voice");
if (dock && "RTCPeerConnection" in window) {
  dock.querySelector("[data-part=panel]").append(document.getElementById("voice-parts").content.cloneNode(true));
  const announce = announcer(dock.querySelector("[data-part=announced]"));
  const view = {};
  const call = voice({ place: dock.querySelector("[data-part=players]"), announce, view });
  const led = follow(call);
  const pointed = pointer(call.send);

  const set = (isOpen) => {
    // What stood there was to be seen.
    change({ isOpen, ...(!isOpen && { notice: "" }) });
    keepOpen(isOpen);
    if (isOpen) call.socket.open();
    else if (!state.seat) call.socket.close();
  };
  const toggle = () => {
    set(!state.isOpen);
    shown.show();
    shown.focus();
  };
  const shown = panel(dock, call, {
    toggle,
    close: toggle,
    present: led.present,
    follow: led.follow,
    point() {
      change({ isPointing: !state.isPointing });
      if (!state.isPointing) pointed.stop();
    },
  });
  const { viewed, presentAgain } = led;
  Object.assign(view, { viewed, presentAgain, pointed: pointed.pointed, ended: pointed.ended, microphone: shown.measured });
  onChange(shown.show);
  onChange(troubles(announce));

  // In a call M is the microphone; otherwise the page may have another use of it.
  addEventListener(
    "keydown",
    (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || state.isChoosingKey || isField(event.target)) return;
      if (document.querySelector("dialog[open]")) return;
      const does = { v: toggle, m: state.seat && (() => call.mute()) }[event.key.toLowerCase()];
      if (!does) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      does();
    },
    true,
  );
  // Elsewhere on the page Escape closes what is there.
  addEventListener("keydown", ({ key, defaultPrevented }) => {
    if (key === "Escape" && state.isOpen && !defaultPrevented && dock.contains(document.activeElement)) toggle();
  });

  dock.hidden = false;
  if (wasOpen()) set(true);
  call.resume();
  shown.show();
}
