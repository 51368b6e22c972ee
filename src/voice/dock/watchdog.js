// Says when a connection has to be replaced: no packets while somebody ought to be heard, or ICE has lost its way.

// A muted microphone sends something every 400 ms, so this long without packets is no silence.
export const SILENT_MS = 1_500;
// While the network is known to be changing it is believed sooner, and for so long.
const HASTY_SILENT_MS = 600;
const HASTY_FOR_MS = 3_000;

// One for each connection.
export const watchdog = () => {
  let seen;
  let heardAt;
  let hasReported = false;
  let hastyUntil = -Infinity;

  return {
    // What is the matter, if anything: `silent`, once until packets come again, or `disconnected`.
    look({ now, packets, isExpected, connection }) {
      if (connection === "disconnected" || connection === "failed") return "disconnected";
      if (packets !== seen || !isExpected || connection !== "connected") {
        if (packets !== seen) hasReported = false;
        seen = packets;
        heardAt = now;
        return null;
      }
      if (now - heardAt < (now < hastyUntil ? HASTY_SILENT_MS : SILENT_MS) || hasReported) return null;
      hasReported = true;
      return "silent";
    },
    hasten: (now) => (hastyUntil = now + HASTY_FOR_MS),
    // Since when nothing has come although it should, in ms.
    quietFor: (now) => (heardAt === undefined ? 0 : now - heardAt),
    // A new connection was made for it and is as silent: it was not the connection's fault.
    rest(packets, now) {
      [seen, heardAt, hasReported] = [packets, now, true];
    },
  };
};
