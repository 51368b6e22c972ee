// Figures of voice in real browsers: how soon one is connected, how late one is heard, and what lost packets do. docs/benchmarks.md
// has results.

import { Browser, Page, test as base } from '@playwright/test';

import { PASSWORD, PERSON, TakingsServer } from '../support/server';
import { SignInPage } from '../support/pages';
import { Janus, joinBridge } from '../support/janus';
import { Callers, median } from '../support/voice';

/** A socket may begin 30 times a minute, and a join begins twice. */
const JOINS = 12;
const BEEPS = 40;
/** Redundancy is on by then. */
const SETTLED_MS = 15_000;
const MEASURED_MS = 60_000;

const test = base;
const percentile = (numbers: number[], part: number): number => numbers.toSorted((a, b) => a - b)[Math.ceil(numbers.length * part) - 1];
const say = (what: string, numbers: number[]): void =>
  console.log(`${what}: p50 ${median(numbers).toFixed(0)} ms, p95 ${percentile(numbers, 0.95).toFixed(0)} ms, of ${numbers.length}`);

async function serve(args: string[], work: (server: TakingsServer) => Promise<void>): Promise<void> {
  const server = new TakingsServer('127.0.0.1', args);
  try {
    await server.start();
    await server.cli('user', 'add', PERSON);
    await work(server);
  } finally {
    await server.dispose();
  }
}

test('from the click to the connection', async ({}, { project }) => {
  await serve([], async (server) => {
    const callers = new Callers(server, project.use.launchOptions ?? {});
    try {
      const ada = await callers.add('ada');
      await ada.open();
      const took: number[] = [];
      for (let n = 0; n < JOINS; n++) {
        took.push(
          await ada.page.evaluate(
            () =>
              new Promise<number>((resolve) => {
                const join = [...document.querySelectorAll('#voice-panel button')].find(({ textContent }) => textContent === 'Join Team room' || textContent === 'Join');
                const at = performance.now();
                (join as HTMLElement).click();
                const timer = setInterval(() => {
                  if (!document.querySelector('[data-part=status]')?.textContent?.startsWith('You ')) return;
                  clearInterval(timer);
                  resolve(performance.now() - at);
                }, 4);
              }),
          ),
        );
        await ada.leave();
      }
      say('from the click to the connection', took);
    } finally {
      await callers.close();
    }
  });
});

for (const percent of [0, 10, 20]) {
  test(`${percent} % of the packets lost`, async ({}, { project }) => {
    await serve(['--voice-drop-percent', String(percent)], async (server) => {
      const callers = new Callers(server, project.use.launchOptions ?? {});
      try {
        const ada = await callers.add('ada');
        const bob = await callers.add('bob', { role: 'analyst' });
        for (const one of [ada, bob]) {
          await one.open();
          await one.join();
        }
        await bob.page.waitForTimeout(SETTLED_MS);
        const before = await bob.received();
        await bob.page.waitForTimeout(MEASURED_MS);
        const after = await bob.received();
        const samples = after.samples - before.samples;
        const made = ((after.concealed - before.concealed) / samples) * 100;
        console.log(`${percent} % of the packets lost: ${made.toFixed(2)} % of the sound made up, of ${(samples / 48_000).toFixed(0)} s`);
      } finally {
        await callers.close();
      }
    });
  });
}

/** Gives a page a microphone that beeps when it is told to, and ears that say when; it runs in the page. */
function beeper(): void {
  const context = new AudioContext({ sampleRate: 48_000, latencyHint: 'interactive' });
  const [tone, loudness, out] = [new OscillatorNode(context, { frequency: 880 }), new GainNode(context, { gain: 0 }), new MediaStreamAudioDestinationNode(context)];
  tone.connect(loudness).connect(out);
  tone.start();
  navigator.mediaDevices.getUserMedia = async () => out.stream.clone();
  let analyser: AnalyserNode | undefined;
  const clock = () => performance.timeOrigin + performance.now();
  Object.assign(window, {
    beep: (on: boolean) => {
      loudness.gain.value = on ? 0.5 : 0;
      return clock();
    },
    hears: (isHeard: boolean) =>
      new Promise<number>((resolve) => {
        // A line is muted until its first packet has come.
        const listen = (): void => {
          const streams = [...document.querySelectorAll<HTMLAudioElement>('#voice audio, audio[data-heard]')].map(({ srcObject }) => srcObject as MediaStream);
          const heard = streams.find((one) => one?.getAudioTracks().some(({ muted }) => !muted));
          if (!heard) return;
          analyser = new AnalyserNode(context, { fftSize: 256, smoothingTimeConstant: 0 });
          new MediaStreamAudioSourceNode(context, { mediaStream: heard }).connect(analyser);
        };
        const samples = new Float32Array(256);
        const timer = setInterval(() => {
          if (!analyser) listen();
          analyser?.getFloatTimeDomainData(samples);
          const isLoud = samples.some((sample) => Math.abs(sample) > 0.05);
          if (isLoud !== isHeard) return;
          clearInterval(timer);
          resolve(clock());
        }, 1);
      }),
  });
}
type Beeping = Window & { beep(on: boolean): number; hears(isHeard: boolean): Promise<number> };

/** Beeps on one page and hears them on the other: the delays. */
async function delays(mouth: Page, ear: Page): Promise<number[]> {
  const found: number[] = [];
  for (let n = 0; n < BEEPS; n++) {
    const heard = ear.evaluate(() => (window as unknown as Beeping).hears(true));
    await ear.waitForTimeout(50);
    const at = await mouth.evaluate(() => (window as unknown as Beeping).beep(true));
    found.push((await heard) - at);
    await mouth.evaluate(() => (window as unknown as Beeping).beep(false));
    await ear.evaluate(() => (window as unknown as Beeping).hears(false));
    await ear.waitForTimeout(300);
  }
  // The first ones find buffers that have not settled.
  return found.slice(BEEPS / 4);
}

/** Somebody in Janus' room: on a page of ours, whose policy lets nobody speak to another server, without it. */
async function bridged(browser: Browser, server: TakingsServer, janus: Janus): Promise<Page> {
  const context = await browser.newContext({ baseURL: server.url, permissions: ['microphone'], bypassCSP: true });
  await context.addInitScript(beeper);
  const page = await context.newPage();
  await page.goto('/sign-in');
  await page.evaluate(joinBridge, janus.address);
  return page;
}

async function person(browser: Browser, server: TakingsServer, name: string): Promise<Page> {
  const context = await browser.newContext({ baseURL: server.url, permissions: ['microphone'] });
  await context.addInitScript(beeper);
  await context.addInitScript(() => localStorage.setItem('takings.voice', JSON.stringify({ echo: false, noise: false, gain: false, sounds: false })));
  const page = await context.newPage();
  const signIn = new SignInPage(page);
  await signIn.open();
  await signIn.signIn(name, PASSWORD);
  await page.waitForURL((url) => !url.pathname.startsWith('/sign-in'));
  await page.goto('/goals');
  await page.getByRole('complementary', { name: 'Voice' }).getByRole('button', { name: /voice/i }).click();
  await page.getByRole('button', { name: 'Join Team room' }).click();
  await page.getByText(/^You can be heard\.$/).waitFor();
  return page;
}

test('from the mouth to the ear', async ({ playwright }, { project }) => {
  await serve([], async (server) => {
    await server.cli('user', 'add', 'bob', '--role', 'analyst');
    const options = project.use.launchOptions ?? {};
    // One process: both pages have the same clock.
    const browser = await playwright.chromium.launch({ ...options, args: [...(options.args ?? []), '--use-fake-ui-for-media-stream', '--autoplay-policy=no-user-gesture-required'] });
    try {
      const ada = await person(browser, server, PERSON);
      const bob = await person(browser, server, 'bob');
      say('from the mouth to the ear', await delays(ada, bob));
      await Promise.all([ada.context().close(), bob.context().close()]);
      if (!Janus.isInstalled()) return console.log("Janus is not installed (apt-get install janus): nothing to compare with");
      const janus = await Janus.start();
      try {
        const [mouth, ear] = [await bridged(browser, server, janus), await bridged(browser, server, janus)];
        say("the same by Janus' AudioBridge", await delays(mouth, ear));
      } finally {
        await janus.stop();
      }
    } finally {
      await browser.close();
    }
  });
});
