// How long to wait before the next try: twice as long each time up to a limit, and never exactly, so that many browsers do not come
// back in the same moment. There is no last try.

const FIRST_MS = 250;
const LONGEST_MS = 8_000;

// The pause after so many tries that failed, from half to the whole of its step.
export const pause = (failed, random = Math.random()) =>
  Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(failed, 16)) * (0.5 + random / 2);
