// Two short notes when somebody comes, goes, or one is muted by another.

import { choices } from "./kept.js";

const LOUDNESS = 0.06;
const NOTES = { comes: [523, 784], goes: [659, 440], stopped: [330, 247] };

let context;
// The one context of the dock: a browser gives a page few.
export const audio = () => {
  context ??= new AudioContext();
  if (context.state === "suspended") context.resume().catch(() => {});
  return context;
};

export const blip = (what) => {
  // Before anything was done on the page the browser would keep it, and play it with the first click.
  if (!choices.sounds || !navigator.userActivation?.hasBeenActive) return;
  const place = audio();
  NOTES[what].forEach((pitch, n) => {
    const [note, gain, at] = [place.createOscillator(), place.createGain(), place.currentTime + n * 0.09];
    note.frequency.value = pitch;
    gain.gain.setValueAtTime(0, at);
    gain.gain.linearRampToValueAtTime(LOUDNESS, at + 0.01);
    gain.gain.exponentialRampToValueAtTime(0.0001, at + 0.18);
    note.connect(gain).connect(place.destination);
    note.start(at);
    note.stop(at + 0.2);
  });
};
