// The parts of the dock one by one: those that only compute, and those that need a page, in an empty one.

import { expect, test } from '@playwright/test';

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
const chart = (figure: string, inside: string) => `<main><figure class="chart" ${figure}><div class="chart-area" style="width: 668px; height: 40px"></div>${inside}</figure></main>`;
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
