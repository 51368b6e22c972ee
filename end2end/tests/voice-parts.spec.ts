// The parts of the dock one by one: those that only compute, and those that need a page, in an empty one.

import { Page, expect, test } from '@playwright/test';

import { pause } from '../../src/voice/dock/backoff.js';
import { history, totals } from '../../src/voice/dock/deltas.js';
import { arranged } from '../../src/voice/dock/description.js';
import { SILENT_MS, watchdog } from '../../src/voice/dock/watchdog.js';
import { SITE, openParts } from '../support/parts';

test('pauses double up to eight seconds, are never exact and never end', () => {
  const longest = [0, 1, 2, 3, 4, 5, 6, 1_000].map((failed) => pause(failed, 1));
  expect(longest).toEqual([250, 500, 1_000, 2_000, 4_000, 8_000, 8_000, 8_000]);
  expect(pause(3, 0)).toBe(1_000);
});

test.describe('the watch over a connection', () => {
  const connection = 'connected';

  test('speaks up once when nothing comes that ought to, and again after something came', () => {
    const dog = watchdog();
    const look = (now: number, packets: number, isExpected = true) => dog.look({ now, packets, isExpected, connection });
    expect(look(0, 10)).toBeNull();
    expect(look(SILENT_MS - 1, 10)).toBeNull();
    expect(dog.quietFor(1_000)).toBe(1_000);
    expect(look(SILENT_MS, 10)).toBe('silent');
    expect(look(SILENT_MS + 250, 10)).toBeNull();
    expect(look(5_000, 11)).toBeNull();
    expect(look(5_000 + SILENT_MS, 11)).toBe('silent');
  });

  test('waits while nobody ought to be heard', () => {
    const dog = watchdog();
    for (let now = 0; now < 10_000; now += 250) {
      expect(dog.look({ now, packets: 10, isExpected: false, connection })).toBeNull();
    }
    expect(dog.look({ now: 10_250, packets: 10, isExpected: true, connection })).toBeNull();
    expect(dog.look({ now: 9_750 + SILENT_MS, packets: 10, isExpected: true, connection })).toBe('silent');
  });

  test('is told by ICE at once, and believes silence sooner while the network changes', () => {
    const dog = watchdog();
    expect(dog.look({ now: 0, packets: 1, isExpected: false, connection: 'disconnected' })).toBe('disconnected');
    expect(dog.look({ now: 0, packets: 2, isExpected: true, connection })).toBeNull();
    dog.hasten(500);
    expect(dog.look({ now: 700, packets: 2, isExpected: true, connection })).toBe('silent');
  });

  test('does not blame a new connection that is as silent as the old one', () => {
    const dog = watchdog();
    dog.rest(0, 0);
    expect(dog.look({ now: 60_000, packets: 0, isExpected: true, connection })).toBeNull();
    expect(dog.look({ now: 61_000, packets: 1, isExpected: true, connection })).toBeNull();
    expect(dog.look({ now: 61_000 + SILENT_MS, packets: 1, isExpected: true, connection })).toBe('silent');
  });
});

test('what is measured: loss of some seconds, what was made up while somebody was to be heard', () => {
  const line = (packetsReceived: number, packetsLost: number, samples: number, concealed: number, silent: number) => ({
    type: 'inbound-rtp', kind: 'audio', packetsReceived, packetsLost, jitter: 0.004,
    totalSamplesReceived: samples, concealedSamples: concealed, silentConcealedSamples: silent,
  });
  const route = { type: 'candidate-pair', id: 'pair', currentRoundTripTime: 0.025 };
  const at = (...lines: object[]) => totals([{ type: 'transport', selectedCandidatePairId: 'pair' }, route, ...lines]);
  const past = history();
  expect(past.add(at(line(100, 0, 96_000, 0, 0)))).toMatchObject({ rtt_ms: 25, jitter_ms: 4, concealed_percent: null });
  const { loss_percent: loss, concealed_percent: concealed } = past.add(at(line(145, 5, 144_000, 4_800, 0), line(0, 0, 0, 0, 0)));
  expect(loss).toBe(10);
  expect(concealed).toBe(10);
  // Silence that is made up is missed by nobody.
  expect(past.add(at(line(145, 5, 192_000, 52_800, 48_000))).concealed_percent).toBeNull();
  // A new connection counts anew.
  expect(past.add(at(line(10, 0, 9_600, 0, 0))).loss_percent).toBeNull();
});

test('an answer is arranged: silence costs next to nothing, and redundancy is named first only where it is wanted', () => {
  const answer = [
    'm=audio 9 UDP/TLS/RTP/SAVPF 63 111', 'a=rtpmap:63 red/48000/2', 'a=fmtp:63 111/111', 'a=rtpmap:111 opus/48000/2', 'a=fmtp:111 minptime=10;usedtx=0',
    'm=audio 9 UDP/TLS/RTP/SAVPF 63 111', 'a=rtpmap:111 opus/48000/2', '',
  ].join('\r\n');
  const plain = arranged(answer, false).split('\r\n');
  expect(plain[0]).toBe('m=audio 9 UDP/TLS/RTP/SAVPF 111 63');
  expect(plain[4]).toBe('a=fmtp:111 minptime=10;usedtx=1;useinbandfec=1');
  expect(arranged(answer, true).split('\r\n')[0]).toBe('m=audio 9 UDP/TLS/RTP/SAVPF 63 111');
  expect(arranged('m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=rtpmap:111 opus/48000/2\r\n', true)).toContain('SAVPF 111\r\n');
});

/** What the parts offer, within the page. */
declare const parts: Record<string, any>;

test('a presenter leads to pages of this site only', async ({ page }) => {
  await openParts(page, ['follow']);
  const led = (addresses: string[]) => page.evaluate((given) => given.map((address) => parts.page(address)?.href ?? null), addresses);
  expect(await led(['/?range=week', '/royalties', '/goals?a=b#c'])).toEqual([`${SITE}/?range=week`, `${SITE}/royalties`, `${SITE}/goals?a=b#c`]);
  const elsewhere = [
    'https://evil.example/', '//evil.example/x', '/.//evil.example/x', '/..//evil.example/x', '/a/..//evil.example/x', '/%2e//evil.example/x', '/\\evil.example',
    'javascript:alert(1)', '/sign-out', '/api/v1/me', '/voice', '/report.csv',
  ];
  expect(await led(elsewhere)).toEqual(elsewhere.map(() => null));
});

const TABLE = `<details class="table-twin"><table><tbody>
  <tr><th>Wed</th><td>£3.00</td></tr><tr><th>Tue</th><td>£2.00</td></tr><tr><th>Mon</th><td>£1.00</td></tr></tbody></table></details>`;
const AREA = '<div class="chart-area" style="width: 668px; height: 40px"></div>';
const chart = (figure: string, inside: string) => `<main><figure class="chart" ${figure}>${AREA}${inside}</figure></main>`;
for (const [where, html] of [
  ['a table that is newest first', chart('', TABLE)],
  ['the words of a page without wasm', chart(`data-said='["Mon: £1.00", "Tue: £2.00", "Wed: £3.00"]'`, '') + TABLE],
]) {
  test(`pointing at a chart names the point that is there, by ${where}`, async ({ page }) => {
    await openParts(page, ['cards'], html);
    const said = await page.evaluate(() => {
      const area = document.querySelector('.chart-area') as Element;
      const { left, right } = area.getBoundingClientRect();
      return [left, left + 57, left + 56 + 300, right - 13, right].map((x) => parts.words(area, x));
    });
    expect(said).toEqual(['Mon: £1.00', 'Mon: £1.00', 'Tue: £2.00', 'Wed: £3.00', 'Wed: £3.00']);
  });
}

test.describe('the microphone', () => {
  // Each question waits until the test answers it, with a track that is as good as a microphone's.
  const asked = () => {
    const open: { wanted: MediaTrackConstraints; give: () => MediaStreamTrack; refuse: (name: string) => void }[] = [];
    const context = new AudioContext();
    const getUserMedia = ({ audio }: { audio: MediaTrackConstraints }) =>
      new Promise<MediaStream>((resolve, reject) => {
        open.push({
          wanted: audio,
          give() {
            const { stream } = context.createMediaStreamDestination();
            resolve(stream);
            return stream.getAudioTracks()[0];
          },
          refuse: (name) => reject(new DOMException('refused', name)),
        });
      });
    Object.defineProperty(navigator, 'mediaDevices', { value: { getUserMedia } });
    const unplug = (track: MediaStreamTrack) => {
      track.stop();
      track.dispatchEvent(new Event('ended'));
    };
    const settled = () => new Promise((resolve) => setTimeout(resolve));
    const told: unknown[] = [];
    const kept: string[] = [];
    const make = () =>
      parts.microphone({
        changed: (track: MediaStreamTrack | null, why: string | null) => told.push(track ? track.id : why),
        kept: (why: string) => kept.push(why),
        closed: () => told.push('closed'),
      });
    Object.assign(window, { faked: { open, unplug, settled, told, kept, make } });
  };
  interface Faked {
    open: { wanted: MediaTrackConstraints; give: () => MediaStreamTrack; refuse: (name: string) => void }[];
    unplug: (track: MediaStreamTrack) => void;
    settled: () => Promise<void>;
    told: unknown[];
    kept: string[];
    make: () => any;
  }
  test.beforeEach(({ page }) => openParts(page, ['microphone', 'kept'], '', asked));
  const inPage = async <T>(page: Page, does: (faked: Faked) => Promise<T>): Promise<T> =>
    page.evaluate(`(${does})(window.faked)`) as Promise<T>;

  test('is asked for with the treatment that was chosen, and again when that changes', async ({ page }) => {
    const wanted = await inPage(page, async ({ open, make, settled, told }) => {
      const mic = make();
      mic.take('call');
      const first = open[0].give();
      await settled();
      parts.choose({ echo: false, noise: false, gain: false, microphone: 'desk' });
      mic.again();
      const second = open[1].give();
      await settled();
      return [open.map((one) => one.wanted), told.length, first.readyState, second.readyState, mic.track === second];
    });
    expect(wanted).toEqual([
      [
        { echoCancellation: true, noiseSuppression: true, autoGainControl: true, channelCount: 1 },
        { deviceId: { exact: 'desk' }, echoCancellation: false, noiseSuppression: false, autoGainControl: false, channelCount: 1 },
      ],
      2, 'ended', 'live', true,
    ]);
  });

  test('is opened anew where an open device goes on being treated as before', async ({ page }) => {
    const got = await inPage(page, async ({ open, make, settled, told }) => {
      const mic = make();
      mic.take('call');
      const first = open[0].give();
      await settled();
      parts.choose({ noise: false });
      mic.again();
      open[1].give().getSettings = () => ({ noiseSuppression: true });
      await settled();
      const last = open[2].give();
      last.getSettings = () => ({ noiseSuppression: false });
      await settled();
      return [open.length, first.readyState, mic.track === last, told.slice(1)[0], told.length];
    });
    expect(got).toEqual([3, 'ended', true, 'closed', 3]);
  });

  test('of two choices that follow closely the last is what holds', async ({ page }) => {
    const got = await inPage(page, async ({ open, make, settled, told }) => {
      const mic = make();
      mic.take('call');
      parts.choose({ echo: false });
      mic.again();
      parts.choose({ noise: false });
      mic.again();
      const stale = open[0].give();
      await settled();
      const fresh = open[1].give();
      await settled();
      const { echoCancellation, noiseSuppression } = open[1].wanted;
      return [open.length, echoCancellation, noiseSuppression, stale.readyState, mic.track === fresh, told.length];
    });
    expect(got).toEqual([2, false, false, 'ended', true, 1]);
  });

  test('a choice that fails takes nothing away', async ({ page }) => {
    const got = await inPage(page, async ({ open, make, settled, told, kept }) => {
      const mic = make();
      mic.take('call');
      const first = open[0].give();
      await settled();
      mic.again();
      open[1].refuse('NotReadableError');
      await settled();
      return [first.readyState, mic.track === first, told.length, kept];
    });
    expect(got).toEqual([
      'live', true, 1,
      ['The microphone cannot be opened: another program may be using it. Close that program, then try again. Until then the one before goes on.'],
    ]);
  });

  test('that is pulled out is replaced each time, and what to do is said where there is no other', async ({ page }) => {
    const got = await inPage(page, async ({ open, make, settled, unplug, told }) => {
      const mic = make();
      mic.take('call');
      for (const n of [0, 1]) {
        const track = open[n].give();
        await settled();
        unplug(track);
      }
      open[2].refuse('NotFoundError');
      await settled();
      return [open.length, told.at(-1), mic.track];
    });
    expect(got).toEqual([3, 'The microphone is gone. Connect it or choose another, then try again. Until then you can listen.', null]);
  });

  test('is closed again for who has left while it was asked for', async ({ page }) => {
    const got = await inPage(page, async ({ open, make, settled, unplug, told }) => {
      const mic = make();
      mic.take('call');
      const first = open[0].give();
      await settled();
      unplug(first);
      mic.release('call');
      const late = open[1].give();
      await settled();
      return [late.readyState, mic.track, told.at(-1)];
    });
    expect(got).toEqual(['ended', null, null]);
  });

  test('none, or none allowed, is said in words', async ({ page }) => {
    const got = await inPage(page, async ({ open, make, settled, told }) => {
      const mic = make();
      mic.take('call');
      open[0].refuse('NotFoundError');
      await settled();
      mic.again();
      open[1].refuse('NotAllowedError');
      await settled();
      return told;
    });
    expect(got).toEqual([
      'There is no microphone. Connect one, then try again. Until then you can listen.',
      'The browser does not let this page use the microphone. Allow it beside the address, then try again. Until then you can listen.',
    ]);
  });
});

test('a browser that keeps nothing has the dock all the same', async ({ page }) => {
  const problems: string[] = [];
  page.on('pageerror', ({ message }) => problems.push(message));
  await openParts(page, ['kept', 'follow'], '', () => {
    for (const name of ['localStorage', 'sessionStorage']) {
      Object.defineProperty(window, name, { get: () => { throw new DOMException('blocked', 'SecurityError'); } });
    }
  });
  const kept = await page.evaluate(() => {
    parts.choose({ key: 'KeyB' });
    parts.keepOpen(true);
    parts.keepSeat({ room: 1, resume: 'x' });
    parts.keepLedTo('x');
    parts.setRelayOnly(true);
    return [parts.choices.key, parts.wasOpen(), parts.keptSeat(), parts.ledTo(), parts.isRelayOnly()];
  });
  expect(kept).toEqual(['KeyB', false, null, null, false]);
  expect(problems).toEqual([]);
});

test('a closed dock announces what its open panel would show, once each time', async ({ page }) => {
  await openParts(page, ['announcements']);
  const said = await page.evaluate(() => {
    const said: string[] = [];
    const tell = parts.troubles((words: string) => said.push(words));
    const calm = { isOpen: false, seat: { id: 1 }, media: 'connected', microphone: null };
    const [trouble, none] = [{ media: 'trouble' }, { microphone: 'There is none.' }];
    for (const change of [{}, trouble, trouble, {}, {}, none, none]) tell({ ...calm, ...change });
    tell({ ...calm, isOpen: true, media: 'trouble' });
    tell({ ...calm, isOpen: true });
    return said;
  });
  expect(said).toEqual(['The sound is interrupted.', 'The sound is back.', 'There is none.']);
});

test('a button to hold lets go however it is left', async ({ page }) => {
  await openParts(page, ['hold', 'store'], '<button id="hold">Hold to talk</button><button id="other">Other</button>');
  await page.evaluate(() => parts.holdable(document.getElementById('hold'), (down: boolean) => parts.change({ isTalking: down })));
  const isTalking = () => page.evaluate(() => parts.state.isTalking);
  const hold = page.locator('#hold');
  for (const key of ['Enter', 'Space']) {
    await hold.focus();
    await page.keyboard.down(key);
    expect(await isTalking()).toBe(true);
    await page.locator('#other').focus();
    expect(await isTalking()).toBe(false);
    await page.keyboard.up(key);
    await hold.press(key);
    expect(await isTalking()).toBe(false);
  }
  await hold.hover();
  await page.mouse.down();
  expect(await isTalking()).toBe(true);
  await page.mouse.move(500, 500);
  expect(await isTalking()).toBe(true);
  await page.mouse.up();
  expect(await isTalking()).toBe(false);
  for (const is of [true, false]) {
    await hold.evaluate((button: HTMLElement) => button.click());
    expect(await isTalking()).toBe(is);
  }
});
