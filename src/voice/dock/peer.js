// One connection of media: an audio line that sends and receives, and some that receive. Who is on which line is the server's to say, so that
// nothing is negotiated again when people come and go.

import { totals } from "./deltas.js";

const OPUS = "audio/opus";
const RED = "audio/red";

// Opus first, redundancy offered: whether it is used is decided later. The lines take nothing else.
const codecs = () => {
  const all = RTCRtpReceiver.getCapabilities?.("audio")?.codecs ?? [];
  return [OPUS, RED].flatMap((kind) => all.filter(({ mimeType }) => mimeType.toLowerCase() === kind));
};

// Asks the browser to send next to nothing in silence, and to mend single losses: the answer says what the server wants to get.
export const withSilence = (sdp) => {
  const opus = /a=rtpmap:(\d+) opus\/48000/i.exec(sdp)?.[1];
  if (!opus) return sdp;
  const wanted = ["usedtx=1", "useinbandfec=1"];
  const line = new RegExp(`a=fmtp:${opus} ([^\\r\\n]*)`, "g");
  if (!line.test(sdp)) return sdp.replace(new RegExp(`(a=rtpmap:${opus} [^\\r\\n]*)`, "g"), `$1\r\na=fmtp:${opus} ${wanted.join(";")}`);
  return sdp.replace(line, (_, given) => {
    const others = given.split(";").filter((part) => !/^\s*(usedtx|useinbandfec)=/.test(part));
    return `a=fmtp:${opus} ${[...others, ...wanted].join(";")}`;
  });
};

export const peer = ({ attempt, servers, isRelayOnly, slots, track, candidate, changed }) => {
  const pc = new RTCPeerConnection({
    iceServers: servers,
    bundlePolicy: "max-bundle",
    iceTransportPolicy: isRelayOnly ? "relay" : "all",
  });
  const early = [];
  let isDescribed = false;
  const sending = pc.addTransceiver(track ?? "audio", { direction: "sendrecv" });
  const all = [sending];
  for (let n = 1; n < slots; n++) all.push(pc.addTransceiver("audio", { direction: "recvonly" }));
  for (const transceiver of all) {
    try {
      transceiver.setCodecPreferences?.(codecs());
    } catch {
      // A browser that cannot leave codecs out offers all it has.
    }
  }
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
    async offer() {
      await pc.setLocalDescription(await pc.createOffer());
      return pc.localDescription.sdp;
    },
    // The offer is on its way: what was found meanwhile may follow it.
    described() {
      isDescribed = true;
      early.splice(0).forEach(candidate);
    },
    answer: (sdp) => pc.setRemoteDescription({ type: "answer", sdp: withSilence(sdp) }),
    tracks: () => all.map(({ receiver }) => receiver.track),
    speak: (microphone) => sending.sender.replaceTrack(microphone).catch(() => {}),
    // Sends each packet with the one before it, or no longer. A browser that cannot goes on as it is.
    async redundant(on) {
      const { sender } = sending;
      const parameters = sender.getParameters();
      const codec = parameters.codecs?.find(({ mimeType }) => mimeType.toLowerCase() === (on ? RED : OPUS));
      if (!codec || !parameters.encodings?.length) return;
      parameters.encodings[0].codec = codec;
      await sender.setParameters(parameters).catch(() => {});
    },
    measure: async () => totals([...(await pc.getStats()).values()]),
    close() {
      pc.onicecandidate = pc.onconnectionstatechange = null;
      pc.close();
    },
  };
};
