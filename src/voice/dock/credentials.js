// Credentials of the relay: used while they last, and asked for again before a connection is made once most of their time has gone.

// Of their time, so much is used.
const FRESH_PART = 0.8;
// So long an answer about them is waited for.
const WITHIN_MS = 1_000;

export const credentials = (ask) => {
  let list = [];
  let until = 0;
  let waiting = [];

  return {
    take({ ice_servers: given, ttl_seconds: seconds }) {
      list = given;
      until = performance.now() + seconds * 1_000 * FRESH_PART;
      for (const go of waiting.splice(0)) go();
    },
    // Those that last; where no answer comes in time, those that there were.
    async fresh() {
      if (performance.now() < until) return list;
      await new Promise((resolve) => {
        waiting.push(resolve);
        setTimeout(resolve, WITHIN_MS);
        ask();
      });
      return list;
    },
  };
};
