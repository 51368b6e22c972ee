// How a person is told of orders: the dialog of choices, which the server keeps, the sound, and the browser's notifications.
// The page asks for each event whether it is to be shown (window.takings, src/live/told.rs).

const dialog = document.getElementById("told");
const form = dialog.querySelector("form");
const said = form.querySelector("[role=status]");
const loudness = form.elements.sound;
const output = form.querySelector("output");

let chosen = { toasts: true, sound: 0, mute_free: false, mute_refunds: false, notify: false };
const mayNotify = () => "Notification" in window && Notification.permission === "granted";

const show = () => {
  for (const field of form.elements) {
    if (field.type === "checkbox") field.checked = chosen[field.name];
  }
  loudness.value = chosen.sound;
  output.value = chosen.sound > 0 ? `${chosen.sound} %` : "off";
};

const keep = async (name, value) => {
  const body = new URLSearchParams({ [name]: value === true ? "yes" : value === false ? "no" : value });
  const answer = await fetch("/preferences", { method: "POST", body }).catch(() => null);
  said.textContent = answer?.ok ? "" : "This holds until the page is loaded again: it could not be kept.";
};

let audio;
const wake = () => audio?.state === "suspended" && audio.resume();
const chime = (isDown) => {
  audio ??= new AudioContext();
  wake();
  // Two notes: up for money that comes in, down for money that goes out.
  (isDown ? [659, 494] : [659, 880]).forEach((pitch, n) => {
    const [note, gain, at] = [audio.createOscillator(), audio.createGain(), audio.currentTime + n * 0.12];
    note.frequency.value = pitch;
    gain.gain.setValueAtTime(0, at);
    gain.gain.linearRampToValueAtTime((chosen.sound / 100) * 0.3, at + 0.01);
    gain.gain.exponentialRampToValueAtTime(0.0001, at + 0.4);
    note.connect(gain).connect(audio.destination);
    note.start(at);
    note.stop(at + 0.45);
  });
  document.dispatchEvent(new CustomEvent("takings:chime", { detail: chosen.sound }));
};
// A browser keeps a page silent until somebody has done something on it.
for (const deed of ["pointerdown", "keydown"]) addEventListener(deed, wake);

let news = [];
const tell = () => {
  const [all, last] = [news, news.at(-1)];
  news = [];
  if (chosen.sound > 0) chime(last.isDown);
  if (chosen.notify && document.hidden && mayNotify()) {
    const title = all.length > 1 ? `${all.length} orders and refunds` : last.isDown ? "Refund" : "New order";
    const shown = new Notification(title, { body: last.line, tag: "takings", silent: true });
    shown.onclick = () => window.focus();
  }
};

window.takings = {
  // Whether an event is shown in the corner. One sound and one notification for all of a moment.
  heard: (isDown, amount, line) => {
    if ((chosen.mute_free && amount === 0) || (chosen.mute_refunds && isDown)) return false;
    if (news.push({ isDown, line }) === 1) setTimeout(tell, 50);
    return chosen.toasts;
  },
  // Whether a page out of sight has to go on listening.
  awake: () => chosen.sound > 0 || (chosen.notify && mayNotify()),
  keep,
};

form.addEventListener("input", () => (output.value = loudness.value > 0 ? `${loudness.value} %` : "off"));
form.addEventListener("change", async ({ target }) => {
  let value = target.type === "checkbox" ? target.checked : Number(target.value);
  if (target.name === "notify" && value && "Notification" in window) await Notification.requestPermission();
  if (target.name === "notify" && value && !mayNotify()) {
    value = target.checked = false;
    said.textContent = "This browser does not let the page notify you: allow it beside the address, then choose this again.";
    return;
  }
  chosen[target.name] = value;
  await keep(target.name, value);
});
form.querySelector("[data-try]").addEventListener("click", () => {
  if (chosen.sound === 0) {
    chosen.sound = 50;
    show();
    keep("sound", 50);
  }
  chime(false);
});
document.addEventListener("click", ({ target }) => target.closest?.("[data-opens=told]") && dialog.showModal());

fetch("/preferences")
  .then((answer) => (answer.ok ? answer.json() : chosen))
  .then((kept) => {
    chosen = kept;
    show();
  })
  .catch(show);
