// What a connection was like in the last seconds, from counters that only grow.

// Loss is taken over this many looks, one a second: a single second has too few packets for percents.
const LOSS_LOOKS = 5;

// Adds up what is received on all lines.
export const totals = (reports) => {
  const sum = { packets: 0, lost: 0, jitterMs: null, samples: 0, silent: 0, concealed: 0, silentConcealed: 0, rttMs: null };
  let route;
  for (const report of reports) {
    if (report.type === "transport") route = report.selectedCandidatePairId ?? route;
    if (report.type !== "inbound-rtp" || report.kind !== "audio") continue;
    sum.packets += report.packetsReceived ?? 0;
    sum.lost += report.packetsLost ?? 0;
    sum.samples += report.totalSamplesReceived ?? 0;
    sum.concealed += report.concealedSamples ?? 0;
    sum.silentConcealed += report.silentConcealedSamples ?? 0;
    // A line that nothing comes on has no jitter.
    if (report.packetsReceived && report.jitter !== undefined) sum.jitterMs = Math.max(sum.jitterMs ?? 0, report.jitter * 1_000);
  }
  for (const report of reports) {
    const isRoute = report.type === "candidate-pair" && (report.id === route || (!route && report.nominated));
    if (isRoute && report.currentRoundTripTime !== undefined) sum.rttMs = report.currentRoundTripTime * 1_000;
  }
  return sum;
};

const percent = (part, whole) => (whole > 0 ? Math.min(100, Math.max(0, (100 * part) / whole)) : null);

// What is reported of one look after another.
export const history = () => {
  let looks = [];
  return {
    add(sum) {
      // Counters of a new connection begin anew.
      if (looks.length > 0 && sum.packets < looks.at(-1).packets) looks = [];
      looks = [...looks, sum].slice(-LOSS_LOOKS - 1);
      const [first, last] = [looks[0], looks.at(-2) ?? sum];
      const lost = sum.lost - first.lost;
      // Samples made up where somebody was to be heard; what is made up in silence nobody misses.
      const missed = sum.concealed - last.concealed - (sum.silentConcealed - last.silentConcealed);
      const audible = sum.samples - last.samples - (sum.silentConcealed - last.silentConcealed);
      return {
        rtt_ms: sum.rttMs,
        jitter_ms: sum.jitterMs,
        loss_percent: percent(lost, lost + sum.packets - first.packets),
        concealed_percent: percent(missed, audible),
      };
    },
  };
};
