// What one hears: an audio element for each line, as the canceller of echoes needs it, loud as one likes the person who is on it.

import { choices, volumeOf } from "./kept.js";
import { change, state } from "./store.js";

export const playback = (place) => {
  const players = [];

  const start = async (player) => {
    try {
      await player.play();
    } catch (error) {
      // Nothing was done on the page yet, and the browser keeps it silent.
      if (error.name === "NotAllowedError") change({ isSoundBlocked: true });
    }
  };

  const adjust = () =>
    players.forEach((player, slot) => {
      player.muted = state.isDeaf;
      player.volume = volumeOf(state.slots[slot]);
      player.dataset.person = state.slots[slot] ?? "";
    });

  const output = () => {
    for (const player of players) player.setSinkId?.(choices.speaker).catch(() => player.setSinkId("").catch(() => {}));
  };

  return {
    adjust,
    output,
    // Plays the lines of a connection in the place of those of the one before.
    play(tracks) {
      tracks.forEach((track, slot) => {
        if (!players[slot]) {
          players[slot] = new Audio();
          players[slot].autoplay = true;
          place.append(players[slot]);
        }
        players[slot].srcObject = new MediaStream([track]);
      });
      adjust();
      if (choices.speaker) output();
      players.forEach(start);
    },
    enable() {
      change({ isSoundBlocked: false });
      players.forEach(start);
    },
    stop() {
      for (const player of players.splice(0)) {
        player.srcObject = null;
        player.remove();
      }
      change({ isSoundBlocked: false });
    },
  };
};
