// The part of the dock about microphone and sound: which ones, how they are treated, and whether they work.

import { el, say } from "./dom.js";
import { keyChoice } from "./key.js";
import { choices, choose, isRelayOnly, setRelayOnly } from "./kept.js";
import { audio } from "./sounds.js";
import { state } from "./store.js";

const LEVEL_EVERY_MS = 50;
// What is quieter than this is no voice: the foot of the meter.
const QUIET_DB = -60;
const RECORD_MS = 3_000;

const later = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

// Fills a choice with the devices of a kind. Their names are known only once a microphone was allowed.
const fill = (select, devices, chosen, first) => {
  const named = devices.filter(({ deviceId }) => deviceId && deviceId !== "default");
  const options = named.map(({ deviceId, label }, i) => el("option", { value: deviceId }, label || `Device ${i + 1}`));
  select.replaceChildren(el("option", { value: "" }, first), ...options);
  select.value = named.some(({ deviceId }) => deviceId === chosen) ? chosen : "";
};

// How loud a track is, shown until it is stopped. A copy of the track is heard here also while one is muted.
const meterOf = (track, show) => {
  const copy = track.clone();
  copy.enabled = true;
  const context = audio();
  const source = context.createMediaStreamSource(new MediaStream([copy]));
  const analyser = context.createAnalyser();
  const samples = new Float32Array(analyser.fftSize);
  source.connect(analyser);
  const timer = setInterval(() => {
    analyser.getFloatTimeDomainData(samples);
    const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
    show(Math.max(0, Math.round(100 * (1 - (10 * Math.log10(power + 1e-12)) / QUIET_DB))));
  }, LEVEL_EVERY_MS);
  return () => {
    clearInterval(timer);
    source.disconnect();
    copy.stop();
    show(0);
  };
};

// What is said into a track for a while, as it sounds.
const record = async (track) => {
  const copy = track.clone();
  copy.enabled = true;
  const recorder = new MediaRecorder(new MediaStream([copy]));
  const pieces = [];
  recorder.ondataavailable = ({ data }) => pieces.push(data);
  const ended = new Promise((resolve) => (recorder.onstop = resolve));
  recorder.start();
  await later(RECORD_MS);
  recorder.stop();
  await ended;
  copy.stop();
  return audio().decodeAudioData(await new Blob(pieces).arrayBuffer());
};

const playBack = async (sound) => {
  const context = audio();
  await context.setSinkId?.(choices.speaker).catch(() => {});
  const source = context.createBufferSource();
  source.buffer = sound;
  source.connect(context.destination);
  source.start();
  await later(sound.duration * 1_000);
};

export const devices = (form, { mic, player, talk, announce }) => {
  const { elements } = form;
  const level = form.querySelector("meter");
  const said = form.querySelector("[data-part=test-said]");
  const place = form.closest("details");
  let unmeter;

  const measure = () => {
    unmeter?.();
    unmeter = place.open && mic.track ? meterOf(mic.track, (percent) => (level.value = percent)) : undefined;
  };

  const list = async () => {
    const all = (await navigator.mediaDevices?.enumerateDevices?.().catch(() => [])) ?? [];
    const of = (kind) => all.filter((device) => device.kind === kind);
    fill(elements.microphone, of("audioinput"), choices.microphone, "The system's microphone");
    fill(elements.speaker, of("audiooutput"), choices.speaker, "The system's speaker");
    elements.speaker.closest("label").hidden = !("setSinkId" in HTMLMediaElement.prototype);
  };

  const show = () => {
    for (const name of ["echo", "noise", "gain", "push", "sounds"]) elements[name].checked = choices[name];
    elements.relay.checked = isRelayOnly();
  };

  const test = async () => {
    elements.test.disabled = true;
    say(said, "Say something…");
    const stream = await mic.take("test");
    try {
      if (!stream) return say(said, state.microphone ?? "");
      await list();
      const sound = await record(mic.track);
      say(said, "This is how you sound.");
      await playBack(sound);
      say(said, "");
    } catch {
      say(said, "It could not be recorded. Try again.");
    } finally {
      mic.release("test");
      elements.test.disabled = false;
    }
  };

  form.addEventListener("change", async ({ target: { name, value, checked } }) => {
    if (name === "speaker") {
      choose({ speaker: value });
      player.output();
    } else if (name === "relay") setRelayOnly(checked);
    else if (name === "microphone" || ["echo", "noise", "gain"].includes(name)) {
      choose({ [name]: name === "microphone" ? value : checked });
      await mic.again();
    } else {
      choose({ [name]: checked });
      if (name === "push") talk.mode(checked);
    }
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  elements.test.addEventListener("click", test);
  keyChoice(form.querySelector("[data-do=key]"), announce);
  place.addEventListener("toggle", () => {
    list();
    measure();
  });
  navigator.mediaDevices?.addEventListener?.("devicechange", list);
  show();
  return { measure };
};
