// The microphone: asked for when it is needed, given back when it is not, and what to do when there is none, in words.

import { choices } from "./kept.js";

const LISTEN = " Until then you can listen.";
const HELP = {
  NotAllowedError: "The browser does not let this page use the microphone. Allow it beside the address, then try again." + LISTEN,
  NotFoundError: "There is no microphone. Connect one, then try again." + LISTEN,
  NotReadableError: "The microphone cannot be opened: another program may be using it. Close that program, then try again." + LISTEN,
  insecure: "A browser gives the microphone only to pages that come by https or from this computer." + LISTEN,
  ended: "The microphone is gone. Connect it or choose another, then try again." + LISTEN,
  other: "The microphone cannot be used. Choose another, or try again." + LISTEN,
};

const wanted = (deviceId) => ({
  audio: {
    ...(deviceId && { deviceId: { exact: deviceId } }),
    echoCancellation: choices.echo,
    noiseSuppression: choices.noise,
    autoGainControl: choices.gain,
    channelCount: 1,
  },
});

const ask = async () => {
  const { mediaDevices } = navigator;
  if (!mediaDevices?.getUserMedia) throw Object.assign(new Error("insecure"), { name: "insecure" });
  try {
    return await mediaDevices.getUserMedia(wanted(choices.microphone));
  } catch (error) {
    // The one that was chosen is not there: another does.
    if (!choices.microphone || !["OverconstrainedError", "NotFoundError"].includes(error.name)) throw error;
    return mediaDevices.getUserMedia(wanted(""));
  }
};

// `changed` is told of each new track, or of none and why in words.
export const microphone = (changed) => {
  let stream;
  let opening;
  // Those who need it: the call, and the test.
  const users = new Set();

  const stop = () => {
    for (const track of stream?.getTracks() ?? []) {
      track.onended = null;
      track.stop();
    }
    stream = undefined;
  };

  const open = async () => {
    try {
      const fresh = await ask();
      stop();
      stream = fresh;
      const [track] = stream.getAudioTracks();
      track.contentHint = "speech";
      track.onended = () => {
        stop();
        // What is left may do.
        ask().then((other) => {
          stream = other;
          changed(other.getAudioTracks()[0], null);
        }, () => changed(null, HELP.ended));
      };
      if (users.size === 0) stop();
      changed(stream?.getAudioTracks()[0] ?? null, null);
    } catch (error) {
      stop();
      changed(null, HELP[error.name] ?? HELP.other);
    }
    opening = undefined;
    return stream ?? null;
  };

  return {
    get track() {
      return stream?.getAudioTracks()[0] ?? null;
    },
    // Opens it for somebody, unless it is open.
    take(user) {
      users.add(user);
      return stream ? Promise.resolve(stream) : (opening ??= open());
    },
    release(user) {
      users.delete(user);
      if (users.size === 0) {
        stop();
        changed(null, null);
      }
    },
    // With other choices, or once more after it failed.
    again() {
      return users.size > 0 ? (opening ??= open()) : Promise.resolve(null);
    },
  };
};
