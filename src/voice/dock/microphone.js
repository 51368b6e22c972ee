// The microphone: asked for when it is needed, given back when it is not, and what to do when there is none, in words.

import { choices } from "./kept.js";

const LISTEN = " Until then you can listen.";
const BEFORE = " Until then the one before goes on.";
const HELP = {
  NotAllowedError: "The browser does not let this page use the microphone. Allow it beside the address, then try again.",
  NotFoundError: "There is no microphone. Connect one, then try again.",
  NotReadableError: "The microphone cannot be opened: another program may be using it. Close that program, then try again.",
  insecure: "A browser gives the microphone only to pages that come by https or from this computer.",
  ended: "The microphone is gone. Connect it or choose another, then try again.",
  other: "The microphone cannot be used. Choose another, or try again.",
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

const close = (stream) => {
  for (const track of stream?.getTracks() ?? []) {
    track.onended = null;
    track.stop();
  }
};

// Whether a microphone is treated as chosen, as far as the browser says.
const isTreated = (stream) => {
  const { echoCancellation, noiseSuppression, autoGainControl } = stream.getAudioTracks()[0].getSettings();
  return [[echoCancellation, choices.echo], [noiseSuppression, choices.noise], [autoGainControl, choices.gain]]
    .every(([is, chosen]) => is === undefined || is === chosen);
};

const trackOf = ({ stream }) => stream?.getAudioTracks()[0] ?? null;

const stop = (mic) => {
  close(mic.stream);
  mic.stream = undefined;
};

// Asks again for as long as something else is wanted meanwhile.
const asked = async (mic) => {
  for (;;) {
    mic.isStale = false;
    const [fresh, error] = await ask().then((given) => [given], (failed) => [undefined, failed]);
    // Chromium treats a device as it does already for as long as anything has it open.
    const isAsBefore = !!fresh && !!mic.stream && !isTreated(fresh);
    if (mic.users.size === 0 || (!mic.isStale && !isAsBefore)) {
      if (error) throw error;
      return fresh;
    }
    close(fresh);
    if (!isAsBefore) continue;
    stop(mic);
    mic.closed();
  }
};

const open = async (mic, help) => {
  try {
    const fresh = await asked(mic);
    stop(mic);
    mic.stream = fresh;
    const track = trackOf(mic);
    track.contentHint = "speech";
    track.onended = () => {
      stop(mic);
      // What is left may do.
      mic.opening ??= open(mic, HELP.ended);
    };
    if (mic.users.size === 0) stop(mic);
    mic.changed(trackOf(mic), null);
  } catch (error) {
    const why = help ?? HELP[error.name] ?? HELP.other;
    // A choice that cannot be had takes nothing away.
    if (mic.stream) mic.kept(why + BEFORE);
    else mic.changed(null, mic.users.size > 0 ? why + LISTEN : null);
  }
  mic.opening = undefined;
  return mic.stream ?? null;
};

// `changed` is told of each new track, or of none and why in words; `kept` in words why the track is the one that was there before; and
// `closed` before the device is opened anew: whoever has a copy of the track lets go of it.
export const microphone = (given) => {
  // What is open and what is being opened, whether the choices have changed since that was asked for, and who needs it: the call, the test.
  const mic = { ...given, stream: undefined, opening: undefined, isStale: false, users: new Set() };

  return {
    get track() {
      return trackOf(mic);
    },
    // Opens it for somebody, unless it is open.
    take(user) {
      mic.users.add(user);
      return mic.stream ? Promise.resolve(mic.stream) : (mic.opening ??= open(mic));
    },
    release(user) {
      mic.users.delete(user);
      if (mic.users.size > 0) return;
      stop(mic);
      mic.changed(null, null);
    },
    // With other choices, or once more after it failed.
    again() {
      if (mic.users.size === 0) return Promise.resolve(null);
      mic.isStale = mic.opening !== undefined;
      return (mic.opening ??= open(mic));
    },
  };
};
