// What the browser remembers: choices for good, the seat for as long as the tab is there.

const CHOICES = "takings.voice";
const SEAT = "takings.voice.seat";
// Set to "1", media goes through the relay alone: shows whether a network lets it through.
const RELAY_ONLY = "takings.voice.relay-only";

const read = (storage, name, otherwise) => {
  try {
    return { ...otherwise, ...JSON.parse(storage.getItem(name)) };
  } catch {
    return { ...otherwise };
  }
};
const write = (storage, name, value) => {
  try {
    if (value === null) storage.removeItem(name);
    else storage.setItem(name, value);
  } catch {
    // A browser that keeps nothing forgets it with the page.
  }
};

export const choices = read(localStorage, CHOICES, {
  microphone: "",
  speaker: "",
  echo: true,
  noise: true,
  gain: true,
  push: false,
  key: "Space",
  sounds: true,
});
choices.volumes = { ...choices.volumes };

export const choose = (part) => {
  Object.assign(choices, part);
  write(localStorage, CHOICES, JSON.stringify(choices));
};

// From 0 to 1.
export const volumeOf = (person) => choices.volumes[person] ?? 1;
export const setVolume = (person, volume) => choose({ volumes: { ...choices.volumes, [person]: volume } });

export const isRelayOnly = () => {
  try {
    return localStorage.getItem(RELAY_ONLY) === "1";
  } catch {
    return false;
  }
};
export const setRelayOnly = (is) => write(localStorage, RELAY_ONLY, is ? "1" : null);

export const keptSeat = () => {
  const seat = read(sessionStorage, SEAT, {});
  return Number.isInteger(seat.room) && typeof seat.resume === "string" ? seat : null;
};
export const keepSeat = (seat) => write(sessionStorage, SEAT, seat && JSON.stringify(seat));
