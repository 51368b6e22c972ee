// People who talk: each in a browser process of their own, with a microphone that plays a tone, and ears that tell tones apart.

import { Browser, BrowserContext, LaunchOptions, Locator, Page, chromium, expect } from '@playwright/test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { SignInPage } from './pages';
import { PASSWORD, TakingsServer } from './server';

export const TONES = { ada: 440, bob: 660, cy: 880 } as const;
export type Name = keyof typeof TONES;

const RATE = 48_000;
const SECONDS = 2;
/** As loud as a voice near the microphone. */
const AMPLITUDE = 0.3;
/** Connections and sounds come within this on a busy machine. */
export const SOON_MS = 15_000;

/** Two seconds of a tone as a WAV file; all tones are whole numbers of waves, so that it can be played round and round. */
function tone(hertz: number): Buffer {
  const samples = RATE * SECONDS;
  const wav = Buffer.alloc(44 + samples * 2);
  wav.write('RIFF', 0);
  wav.writeUInt32LE(36 + samples * 2, 4);
  wav.write('WAVEfmt ', 8);
  wav.writeUInt32LE(16, 16);
  wav.writeUInt16LE(1, 20);
  wav.writeUInt16LE(1, 22);
  wav.writeUInt32LE(RATE, 24);
  wav.writeUInt32LE(RATE * 2, 28);
  wav.writeUInt16LE(2, 32);
  wav.writeUInt16LE(16, 34);
  wav.write('data', 36);
  wav.writeUInt32LE(samples * 2, 40);
  for (let n = 0; n < samples; n++) {
    wav.writeInt16LE(Math.round(32_767 * AMPLITUDE * Math.sin((2 * Math.PI * hertz * n) / RATE)), 44 + n * 2);
  }
  return wav;
}

/** What a page's own sound is heard by; it runs in the page. */
interface Ears {
  /** The tones that are heard at this moment. */
  hears(): number[];
  /** When a tone is first heard, or no longer, in milliseconds of the clock. */
  when(hertz: number, isHeard: boolean): Promise<number>;
  /** When a tone is heard again that falls silent within some time; nothing if it never does. */
  back(hertz: number, withinMs: number): Promise<number | undefined>;
  /** When something stands on the page, or no longer. */
  whenShown(selector: string, isShown: boolean): Promise<number>;
  connections: RTCPeerConnection[];
}
type Listening = Window & { ears: Ears };

function grow(tones: number[]): void {
  // Far below a tone and far above what is left of it.
  const AUDIBLE_DB = -50;
  const Native = window.RTCPeerConnection;
  const connections: RTCPeerConnection[] = [];
  window.RTCPeerConnection = class extends Native {
    constructor(configuration?: RTCConfiguration) {
      super(configuration);
      connections.push(this);
    }
  };
  let context: AudioContext | undefined;
  const known = new WeakMap<MediaStream, AnalyserNode>();
  const listenTo = (stream: MediaStream): AnalyserNode => {
    context ??= new AudioContext({ sampleRate: 48_000 });
    const analyser = new AnalyserNode(context, { fftSize: 1024, smoothingTimeConstant: 0 });
    context.createMediaStreamSource(stream).connect(analyser);
    known.set(stream, analyser);
    return analyser;
  };
  const level = (analyser: AnalyserNode, hertz: number): number => {
    const levels = new Float32Array(analyser.frequencyBinCount);
    analyser.getFloatFrequencyData(levels);
    const place = Math.round(hertz / (48_000 / analyser.fftSize));
    return Math.max(...levels.slice(place - 1, place + 2));
  };
  const hears = (): number[] => {
    const players = [...document.querySelectorAll<HTMLAudioElement>('#voice audio')].filter((player) => !player.muted && !player.paused);
    const streams = players.flatMap(({ srcObject }) => (srcObject instanceof MediaStream ? [srcObject] : []));
    const analysers = streams.map((stream) => known.get(stream) ?? listenTo(stream));
    return tones.filter((hertz) => analysers.some((analyser) => level(analyser, hertz) > AUDIBLE_DB));
  };
  const when = (is: () => boolean): Promise<number> =>
    new Promise((resolve) => {
      const timer = setInterval(() => {
        if (!is()) return;
        clearInterval(timer);
        resolve(Date.now());
      }, 10);
    });
  const ears: Ears = {
    hears,
    connections,
    when: (hertz, isHeard) => when(() => hears().includes(hertz) === isHeard),
    back: async (hertz, withinMs) => {
      const limit = Date.now() + withinMs;
      await when(() => !hears().includes(hertz) || Date.now() > limit);
      return Date.now() > limit ? undefined : when(() => hears().includes(hertz));
    },
    whenShown: (selector, isShown) => when(() => (document.querySelector(selector) !== null) === isShown),
  };
  Object.assign(window, { ears });
}

/** What has come over all connections of a page so far. */
export interface Received {
  packets: number;
  energy: number;
  samples: number;
  concealed: number;
  open: number;
  /** Kinds of the candidates in use on this side. */
  routes: string[];
}

/** Somebody with a dock. */
export class Caller {
  readonly dock: Locator;
  readonly panel: Locator;
  readonly status: Locator;
  readonly people: Locator;

  constructor(
    readonly name: string,
    readonly page: Page,
    readonly context: BrowserContext,
  ) {
    this.dock = page.getByRole('complementary', { name: 'Voice' });
    this.panel = page.locator('#voice-panel');
    this.status = page.locator('[data-part=status]');
    this.people = page.locator('[data-part=people]');
  }

  get hertz(): number {
    return TONES[this.name as Name];
  }

  button(name: string | RegExp): Locator {
    return this.panel.getByRole('button', { name, exact: true });
  }

  person(name: string): Locator {
    return this.people.getByRole('listitem').filter({
      has: this.page.locator('.voice-name', { hasText: new RegExp(`^${name}( \\(you\\))?$`) }),
    });
  }

  async open(address = '/goals'): Promise<void> {
    await this.page.goto(address);
    if (!(await this.panel.isVisible())) await this.dock.getByRole('button', { name: /voice/i }).click();
    await expect(this.panel).toBeVisible();
  }

  async join(room = 'Team room'): Promise<void> {
    await this.button(`Join ${room}`).click();
    await this.expectConnected();
  }

  async expectConnected(): Promise<void> {
    await expect(this.status).toHaveText(/^You (can be heard|are muted|are listening)\.$/, { timeout: SOON_MS });
  }

  async leave(): Promise<void> {
    if (await this.button('Leave').isVisible()) await this.button('Leave').click();
    await expect(this.button('Leave')).toBeHidden();
  }

  async hears(): Promise<number[]> {
    return this.page.evaluate(() => (window as unknown as Listening).ears.hears());
  }

  async expectHears(others: Caller[], timeout = SOON_MS): Promise<void> {
    await expect.poll(() => this.hears(), { timeout, intervals: [100], message: `${this.name} hears` }).toEqual(others.map(({ hertz }) => hertz).sort());
  }

  /** When this page hears a tone, or no longer; to be awaited after what brings it about. */
  when(other: Caller, isHeard: boolean): Promise<number> {
    return this.page.evaluate(([hertz, is]) => (window as unknown as Listening).ears.when(hertz, is), [other.hertz, isHeard] as const);
  }

  /** When it hears a tone again that falls silent within some time; nothing if it never does. */
  back(other: Caller, withinMs: number): Promise<number | undefined> {
    return this.page.evaluate(([hertz, within]) => (window as unknown as Listening).ears.back(hertz, within), [other.hertz, withinMs] as const);
  }

  whenShown(selector: string, isShown: boolean): Promise<number> {
    return this.page.evaluate(([what, is]) => (window as unknown as Listening).ears.whenShown(what, is), [selector, isShown] as const);
  }

  /** Presses a key and says when. */
  press(key: string): Promise<number> {
    return this.page.evaluate((pressed) => {
      const at = Date.now();
      document.body.dispatchEvent(new KeyboardEvent('keydown', { key: pressed, code: `Key${pressed.toUpperCase()}`, bubbles: true, cancelable: true }));
      return at;
    }, key);
  }

  async received(): Promise<Received> {
    return this.page.evaluate(async () => {
      const sum = { packets: 0, energy: 0, samples: 0, concealed: 0, open: 0, routes: [] as string[] };
      for (const connection of (window as unknown as Listening).ears.connections) {
        if (connection.connectionState === 'closed') continue;
        sum.open += 1;
        const reports = await connection.getStats();
        for (const report of reports.values()) {
          if (report.type === 'inbound-rtp') {
            sum.packets += report.packetsReceived ?? 0;
            sum.energy += report.totalAudioEnergy ?? 0;
            sum.samples += report.totalSamplesReceived ?? 0;
            sum.concealed += (report.concealedSamples ?? 0) - (report.silentConcealedSamples ?? 0);
          }
          if (report.type === 'transport') {
            const pair = reports.get(report.selectedCandidatePairId);
            const local = pair && reports.get(pair.localCandidateId);
            if (local) sum.routes.push(local.candidateType);
          }
        }
      }
      return sum;
    });
  }
}

/** What a browser remembers: the tone as it is. A canceller of noise takes a tone for noise. */
const CHOICES = JSON.stringify({ echo: false, noise: false, gain: false, sounds: false });

/** Browsers with microphones, and the people who sit before them. */
export class Callers {
  private readonly folder = mkdtempSync(join(tmpdir(), 'takings-voice-'));
  private readonly browsers: Browser[] = [];

  constructor(
    private readonly server: TakingsServer,
    private readonly launchOptions: LaunchOptions,
  ) {}

  /** Somebody new, signed in. `executablePath` may run the browser elsewhere, such as within another network. */
  async add(name: Name, options: { role?: string; baseURL?: string; executablePath?: string; args?: string[] } = {}): Promise<Caller> {
    const wav = join(this.folder, `${name}.wav`);
    writeFileSync(wav, tone(TONES[name]));
    const browser = await chromium.launch({
      ...this.launchOptions,
      ...(options.executablePath && { executablePath: options.executablePath }),
      args: [
        ...(this.launchOptions.args ?? []), ...(options.args ?? []),
        '--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream', `--use-file-for-fake-audio-capture=${wav}`,
        '--autoplay-policy=no-user-gesture-required',
      ],
    });
    this.browsers.push(browser);
    const context = await browser.newContext({ baseURL: options.baseURL ?? this.server.url, viewport: { width: 1440, height: 900 }, locale: 'en-GB' });
    await context.addInitScript(grow, Object.values(TONES));
    await context.addInitScript((choices) => {
      if (localStorage.getItem('takings.voice') === null) localStorage.setItem('takings.voice', choices);
    }, CHOICES);
    if (options.role) await this.server.cli('user', 'add', name, '--role', options.role);
    const page = await context.newPage();
    const signIn = new SignInPage(page);
    await signIn.open();
    await signIn.signIn(name, PASSWORD);
    await expect(page).not.toHaveURL(/sign-in/);
    return new Caller(name, page, context);
  }

  async close(): Promise<void> {
    for (const browser of this.browsers) await browser.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** The middle of some numbers: one slow moment of a busy machine says nothing. */
export const median = (numbers: number[]): number => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];
