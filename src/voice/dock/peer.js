// One connection of media: an audio line that sends and receives, and some that receive. Who is on which line is the server's to say, so that
// nothing is negotiated again when people come and go.

import { totals } from "./deltas.js";
import { arranged } from "./description.js";

// Opus first, redundancy offered: whether it is used is decided later. The lines take nothing else.
const codecs = () => {
  const all = RTCRtpReceiver.getCapabilities?.("audio")?.codecs ?? [];
  return ["audio/opus", "audio/red"].flatMap((kind) => all.filter(({ mimeType }) => mimeType.toLowerCase() === kind));
};

// As many audio lines as there are slots; the first one sends as well.
const lines = (pc, slots, track) => {
  const all = [pc.addTransceiver(track ?? "audio", { direction: "sendrecv" })];
  for (let n = 1; n < slots; n++) all.push(pc.addTransceiver("audio", { direction: "recvonly" }));
  for (const transceiver of all) {
    try {
      transceiver.setCodecPreferences?.(codecs());
    } catch {
      // A browser that cannot leave codecs out offers all it has.
    }
  }
  return all;
};

export const peer = ({ attempt, servers, isRelayOnly, slots, track, candidate, changed }) => {
  const pc = new RTCPeerConnection({
    iceServers: servers,
    bundlePolicy: "max-bundle",
    iceTransportPolicy: isRelayOnly ? "relay" : "all",
  });
  const early = [];
  let isDescribed = false;
  let isRed = false;
  let answered;
  // Descriptions are applied one after the other.
  let applied = Promise.resolve();
  const all = lines(pc, slots, track);
  const [sending] = all;
  pc.onicecandidate = ({ candidate: found }) => {
    const words = found?.candidate || null;
    if (isDescribed) candidate(words);
    else early.push(words);
  };
  pc.onconnectionstatechange = () => changed(pc.connectionState);

  return {
    attempt,
    get state() {
      return pc.connectionState;
    },
    get isAnswered() {
      return answered !== undefined;
    },
    async offer() {
      await pc.setLocalDescription(await pc.createOffer());
      return pc.localDescription.sdp;
    },
    // The offer is on its way: what was found meanwhile may follow it.
    described() {
      isDescribed = true;
      early.splice(0).forEach(candidate);
    },
    answer(sdp) {
      answered = sdp;
      return (applied = pc.setRemoteDescription({ type: "answer", sdp: arranged(sdp, isRed) }));
    },
    tracks: () => all.map(({ receiver }) => receiver.track),
    speak: (microphone) => sending.sender.replaceTrack(microphone).catch(() => {}),
    // Sends each packet with the one before it, or no longer. Browsers decide that by which codec the answer names first, so the same
    // answer is applied once more in the other order; the server need not know. A browser that cannot goes on as it is.
    redundant(on) {
      if (on === isRed) return;
      isRed = on;
      if (!answered) return;
      applied = applied
        .then(async () => {
          await pc.setLocalDescription(await pc.createOffer());
          await pc.setRemoteDescription({ type: "answer", sdp: arranged(answered, on) });
        })
        .catch(() => pc.signalingState === "have-local-offer" && pc.setLocalDescription({ type: "rollback" }))
        .catch(() => {});
    },
    measure: async () => totals([...(await pc.getStats()).values()]),
    close() {
      pc.onicecandidate = pc.onconnectionstatechange = null;
      pc.close();
    },
  };
};
