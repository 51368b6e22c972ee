// The media of a seat: one connection plays; when it fails another is made beside it, and takes its place once it stands.

import { history } from "./deltas.js";
import { isRelayOnly } from "./kept.js";
import { peer } from "./peer.js";
import { watchdog } from "./watchdog.js";

const LOOK_MS = 250;
const REPORT_MS = 1_000;
// Between the beginnings of two tries: a try that is disturbed begins anew.
const TRY_MS = 4_000;
// A try that does not stand within this is given up.
const STANDS_WITHIN_MS = 10_000;

export const media = ({ slots, next: numbered, servers, send, track, isExpected, play, told, report, ask }) => {
  let current;
  let coming;
  let dog = watchdog();
  let measured = history();
  let begunAt = -Infinity;
  let isRed = false;
  let isWanted = true;
  // What the last connection was replaced for.
  let cause = "";
  // The server hears nothing of the connection that plays.
  let isLost = false;
  let isBeginning = false;
  let reportedAt = 0;

  const end = (one) => one?.close();
  const tell = (why = "") => told(!current ? "connecting" : coming || why ? "trouble" : "connected");

  const stands = (one) => {
    if (one !== coming) return;
    const old = current;
    [current, coming] = [one, undefined];
    dog = watchdog();
    measured = history();
    if (cause === "silent") dog.rest(0, performance.now());
    cause = "";
    isWanted = isLost = false;
    play(current.tracks());
    end(old);
    if (isRed) current.redundant(true);
    tell();
  };

  const begin = async (why) => {
    const now = performance.now();
    isWanted = true;
    if (isBeginning || (now - begunAt < TRY_MS && why !== "first")) return;
    isBeginning = true;
    const given = await servers();
    isBeginning = false;
    // Without the server nothing can be agreed: it is tried when it is back.
    if (!given || !isWanted) return;
    end(coming);
    begunAt = now;
    cause = why;
    const attempt = numbered();
    const made = peer({
      attempt,
      servers: given,
      isRelayOnly: isRelayOnly(),
      slots,
      track: track(),
      candidate: (candidate) => send({ type: "ice", attempt, candidate }),
      changed: (state) => {
        if (state === "connected") stands(made);
        else if (made === current) look();
        else if (state === "failed" && made === coming) {
          end(coming);
          coming = undefined;
        }
      },
    });
    coming = made;
    tell();
    try {
      const sdp = await made.offer();
      if (made === coming && send({ type: "offer", attempt, sdp })) made.described();
    } catch {
      // It was ended meanwhile.
    }
  };

  const look = async () => {
    const now = performance.now();
    if (coming && now - begunAt > STANDS_WITHIN_MS) {
      end(coming);
      coming = undefined;
    }
    if (!current) {
      if (!coming) begin("again");
      return;
    }
    const looked = current;
    const sum = await looked.measure().catch(() => null);
    if (!sum || looked !== current) return;
    const why = dog.look({ now, packets: sum.packets, isExpected: isExpected(), connection: looked.state });
    if (why && !coming) {
      tell(why);
      ask();
      begin(why);
    } else if (isWanted && !coming && !isLost && looked.state === "connected" && dog.quietFor(now) === 0) {
      // It came back by itself before another could be tried.
      isWanted = false;
      tell();
    } else if (isWanted && !coming) begin("again");
    if (now - reportedAt >= REPORT_MS && looked.state === "connected") {
      reportedAt = now;
      report(measured.add(sum));
    }
  };

  const timer = setInterval(look, LOOK_MS);
  begin("first");

  return {
    async answer(attempt, sdp) {
      const one = [coming, current].find((known) => known?.attempt === attempt);
      await one?.answer(sdp).catch(() => {
        if (one === coming) {
          end(coming);
          coming = undefined;
        }
      });
    },
    // The server lost an attempt, or could not take it.
    lost(attempt) {
      if (coming && (attempt === undefined || coming.attempt === attempt)) {
        end(coming);
        coming = undefined;
      } else if (current?.attempt === attempt) {
        isLost = true;
        begin("lost");
      }
    },
    // It hears the connection again.
    found(attempt) {
      if (current?.attempt === attempt) isLost = false;
    },
    // The socket is back. Another server knows nothing of what was, and this one may not have heard the last offer.
    seated(isAnother) {
      if (isAnother || (isWanted && !coming?.isAnswered)) begin("first");
    },
    // The network has changed: what is silent now is replaced at once, and what becomes silent, soon.
    hurry() {
      dog.hasten(performance.now());
      begunAt = -Infinity;
      look();
    },
    red(on) {
      isRed = on;
      current?.redundant(on);
    },
    speak(microphone) {
      for (const one of [current, coming]) one?.speak(microphone);
    },
    end() {
      isWanted = false;
      clearInterval(timer);
      end(coming);
      end(current);
      coming = current = undefined;
    },
  };
};
