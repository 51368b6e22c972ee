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

const tell = ({ told, current, coming }, why = "") => told(!current ? "connecting" : coming || why ? "trouble" : "connected");

const giveUp = (line) => {
  line.coming?.close();
  line.coming = undefined;
};

// The connection that was coming stands: it plays from now on.
const stands = (line, one) => {
  if (one !== line.coming) return;
  const old = line.current;
  [line.current, line.coming] = [one, undefined];
  line.dog = watchdog();
  line.measured = history();
  if (line.cause === "silent") line.dog.rest(0, performance.now());
  line.cause = "";
  line.isWanted = line.isLost = false;
  line.play(one.tracks());
  old?.close();
  if (line.isRed) one.redundant(true);
  tell(line);
};

const make = (line, servers) => {
  const attempt = line.next();
  const made = peer({
    attempt,
    servers,
    isRelayOnly: isRelayOnly(),
    slots: line.slots,
    track: line.track(),
    candidate: (candidate) => line.send({ type: "ice", attempt, candidate }),
    changed: (state) => {
      if (state === "connected") stands(line, made);
      else if (made === line.current) look(line);
      else if (state === "failed" && made === line.coming) giveUp(line);
    },
  });
  return made;
};

const begin = async (line, why) => {
  const now = performance.now();
  line.isWanted = true;
  if (line.isBeginning || (now - line.begunAt < TRY_MS && why !== "first")) return;
  line.isBeginning = true;
  const servers = await line.servers();
  line.isBeginning = false;
  // Without the server nothing can be agreed: it is tried when it is back.
  if (!servers || !line.isWanted) return;
  giveUp(line);
  line.begunAt = now;
  line.cause = why;
  const made = make(line, servers);
  line.coming = made;
  tell(line);
  try {
    const sdp = await made.offer();
    if (made === line.coming && line.send({ type: "offer", attempt: made.attempt, sdp })) made.described();
  } catch {
    // It was ended meanwhile.
  }
};

// What is the matter with the connection that plays, and whether another is needed for it.
const judge = (line, now, packets) => {
  const connection = line.current.state;
  const why = line.dog.look({ now, packets, isExpected: line.isExpected(), connection });
  if (line.coming) return;
  if (why) {
    tell(line, why);
    line.ask();
    begin(line, why);
  } else if (line.isWanted && !line.isLost && connection === "connected" && line.dog.quietFor(now) === 0) {
    // It came back by itself before another could be tried.
    line.isWanted = false;
    tell(line);
  } else if (line.isWanted) begin(line, "again");
};

const look = async (line) => {
  const now = performance.now();
  if (line.coming && now - line.begunAt > STANDS_WITHIN_MS) giveUp(line);
  const looked = line.current;
  if (!looked) {
    if (!line.coming) begin(line, "again");
    return;
  }
  const sum = await looked.measure().catch(() => null);
  if (!sum || looked !== line.current) return;
  judge(line, now, sum.packets);
  if (now - line.reportedAt >= REPORT_MS && looked.state === "connected") {
    line.reportedAt = now;
    line.report(line.measured.add(sum));
  }
};

// What the server says of it.
const answers = (line) => ({
  async answer(attempt, sdp) {
    const one = [line.coming, line.current].find((known) => known?.attempt === attempt);
    await one?.answer(sdp).catch(() => one === line.coming && giveUp(line));
  },
  // The server lost an attempt, or could not take it.
  lost(attempt) {
    if (line.coming && (attempt === undefined || line.coming.attempt === attempt)) giveUp(line);
    else if (line.current?.attempt === attempt) {
      line.isLost = true;
      begin(line, "lost");
    }
  },
  // It hears the connection again.
  found(attempt) {
    if (line.current?.attempt === attempt) line.isLost = false;
  },
  // The socket is back. Another server knows nothing of what was, and this one may not have heard the last offer.
  seated(isAnother) {
    if (isAnother || (line.isWanted && !line.coming?.isAnswered)) begin(line, "first");
  },
  red(on) {
    line.isRed = on;
    line.current?.redundant(on);
  },
});

// `given` is what it needs of the call: how many lines, the number of the next connection, credentials, the microphone, whether anybody
// is to be heard, and whom to tell.
export const media = (given) => {
  // The connection that plays, the one that is coming; what is watched and measured of the first, and what it was made for; whether another
  // is wanted, and whether the server hears nothing of it.
  const line = {
    ...given,
    current: undefined, coming: undefined, dog: watchdog(), measured: history(), cause: "",
    begunAt: -Infinity, reportedAt: 0, isRed: false, isWanted: true, isLost: false, isBeginning: false,
  };
  const timer = setInterval(() => look(line), LOOK_MS);
  begin(line, "first");

  return {
    ...answers(line),
    // The network has changed: what is silent now is replaced at once, and what becomes silent, soon.
    hurry() {
      line.dog.hasten(performance.now());
      line.begunAt = -Infinity;
      look(line);
    },
    speak(microphone) {
      for (const one of [line.current, line.coming]) one?.speak(microphone);
    },
    end() {
      line.isWanted = false;
      clearInterval(timer);
      giveUp(line);
      line.current?.close();
      line.current = undefined;
    },
  };
};
