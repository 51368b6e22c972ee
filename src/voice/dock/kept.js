// What the browser remembers: choices for good, the seat for as long as the tab is there.

const CHOICES = "takings.voice";
const SEAT = "takings.voice.seat";
const OPEN = "takings.voice.open";
const VIEW = "takings.voice.view";
// Set to "1", media goes through the relay alone: shows whether a network lets it through.
const RELAY_ONLY = "takings.voice.relay-only";

// A browser may keep nothing: then even naming a storage fails, and what would be kept is forgotten with the page.
const text = (storage, name) => {
  try {
    return window[storage].getItem(name);
  } catch {
    return null;
  }
};
const write = (storage, name, value) => {
  try {
    if (value === null) window[storage].removeItem(name);
    else window[storage].setItem(name, value);
  } catch {
    // As above.
  }
};
const read = (storage, name, otherwise) => {
  try {
    return { ...otherwise, ...JSON.parse(text(storage, name)) };
  } catch {
    return { ...otherwise };
  }
};

export const choices = read("localStorage", CHOICES, {
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
  write("localStorage", CHOICES, JSON.stringify(choices));
};

// From 0 to 1.
export const volumeOf = (person) => choices.volumes[person] ?? 1;
export const setVolume = (person, volume) => choose({ volumes: { ...choices.volumes, [person]: volume } });

export const isRelayOnly = () => text("localStorage", RELAY_ONLY) === "1";
export const setRelayOnly = (is) => write("localStorage", RELAY_ONLY, is ? "1" : null);

export const keptSeat = () => {
  const seat = read("sessionStorage", SEAT, {});
  return Number.isInteger(seat.room) && typeof seat.resume === "string" ? seat : null;
};
export const keepSeat = (seat) => write("sessionStorage", SEAT, seat && JSON.stringify(seat));

export const wasOpen = () => text("sessionStorage", OPEN) === "1";
export const keepOpen = (is) => write("sessionStorage", OPEN, is ? "1" : null);

// The view that one was led to last, in words; none to be led there again.
export const ledTo = () => text("sessionStorage", VIEW);
export const keepLedTo = (view) => write("sessionStorage", VIEW, view);
