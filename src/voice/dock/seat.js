// A seat in a room, as all that is done with it knows it: taken, kept for the next page of the tab, and given up.

import { keepSeat, keptSeat } from "./kept.js";
import { change, state } from "./store.js";

// Who was away for longer than this does not come back unasked with an open microphone.
const ABSENT_MAX_MS = 15 * 60_000;

export const keep = ({ seat }) =>
  keepSeat(seat && { ...seat, at: Date.now(), isMuted: state.isMuted, isDeaf: state.isDeaf, isFollowing: state.isFollowing });

export const join = (call) => {
  clearTimeout(call.retry);
  const { room, resume } = call.seat;
  call.send({ type: "join", room, ...(resume && { resume }) });
};

export const start = (call, given) => {
  call.seat = { resume: null, epoch: null, attempt: 0, ...given };
  change({ seat: { id: call.seat.room, is: "joining" }, media: "connecting", notice: "" });
  call.mic.take("call");
  if (call.socket.isOpen()) join(call);
  else call.socket.open();
};

export const end = (call, notice = "") => {
  clearTimeout(call.retry);
  call.sound?.end();
  call.sound = undefined;
  call.seat = null;
  keep(call);
  call.player.stop();
  change({
    seat: null, media: "none", speakers: new Map(), slots: [], serverMuted: false, presenting: null,
    isFollowing: false, isPointing: false, isTalking: false, notice,
  });
  call.mic.release("call");
  call.view.ended?.();
  if (!state.isOpen) call.socket.close();
};

// Comes back after another page was loaded in this tab.
export const resume = (call) => {
  const kept = keptSeat();
  if (!kept || Date.now() - kept.at > ABSENT_MAX_MS) return keepSeat(null);
  const { at, isMuted = false, isDeaf = false, isFollowing = false, ...given } = kept;
  change({ isMuted, isDeaf, isFollowing });
  start(call, given);
};

// A computer that slept finds out by its clock: `gone` is called when it slept for long.
export const watchSleep = (gone) => {
  let awakeAt = Date.now();
  setInterval(() => {
    if (Date.now() - awakeAt > ABSENT_MAX_MS) gone();
    awakeAt = Date.now();
  }, 1_000);
};
