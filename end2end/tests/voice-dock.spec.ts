// The dock itself: its keys and its place, and microphone and sound, chosen and tried out with devices that are made up.

import AxeBuilder from '@axe-core/playwright';

import { Dashboard } from '../support/pages';
import { expect, test as base } from '../support/test';
import { Caller, Callers, SOON_MS } from '../support/voice';

interface People {
  ada: Caller;
  bob: Caller;
}

const test = base.extend<object, { people: People }>({
  people: [
    async ({ server }, use, { project }) => {
      const callers = new Callers(server, project.use.launchOptions ?? {});
      try {
        await use({ ada: await callers.add('ada'), bob: await callers.add('bob', { role: 'analyst' }) });
      } finally {
        await callers.close();
      }
    },
    { scope: 'worker', timeout: 120_000 },
  ],
});
test.use({ serverFor: 'voice-dock' });

/** What the microphone was asked for, and how many notes were played; kept within the page. */
declare const seen: { wanted: MediaTrackConstraints[]; notes: number };

test.beforeEach(async ({ people, watch }) => {
  for (const { page } of Object.values(people)) {
    watch.follow(page);
    await page.addInitScript(() => {
      const seen = { wanted: [] as unknown[], notes: 0 };
      const { mediaDevices } = navigator;
      const ask = mediaDevices.getUserMedia.bind(mediaDevices);
      mediaDevices.getUserMedia = (wanted) => {
        seen.wanted.push(wanted?.audio);
        return ask(wanted);
      };
      const note = AudioContext.prototype.createOscillator;
      AudioContext.prototype.createOscillator = function () {
        seen.notes += 1;
        return note.call(this);
      };
      Object.assign(window, { seen });
    });
  }
});

const settings = async (one: Caller): Promise<void> => {
  await one.open();
  await one.panel.getByText('Microphone and sound', { exact: true }).click();
};

test('before one joins, the level is seen and one hears oneself', async ({ people: { ada } }) => {
  await settings(ada);
  const level = ada.page.getByLabel('Level of the microphone');
  const percent = () => level.evaluate((meter: HTMLMeterElement) => meter.value);
  expect(await percent()).toBe(0);
  await ada.button('Test the microphone').click();
  await expect(ada.panel).toContainText('Say something…');
  await expect.poll(percent).toBeGreaterThan(50);
  await expect(ada.panel).toContainText('This is how you sound.', { timeout: SOON_MS });
  await expect(ada.panel).not.toContainText('This is how you sound.', { timeout: SOON_MS });
  // The microphone is given back.
  await expect.poll(percent).toBe(0);
  await expect(ada.button('Join Team room')).toBeVisible();
});

test('a microphone, its treatment and a speaker are chosen and kept', async ({ people: { ada } }) => {
  await settings(ada);
  await ada.button('Test the microphone').click();
  const microphone = ada.panel.getByRole('combobox', { name: 'Microphone' });
  const speaker = ada.panel.getByRole('combobox', { name: 'Speaker' });
  // Their names are known once a microphone was allowed.
  await expect(microphone.locator('option')).toContainText([/system/, /Fake/], { timeout: SOON_MS });
  await expect(ada.button('Test the microphone')).toBeEnabled({ timeout: SOON_MS });
  const input = await microphone.locator('option').nth(1).getAttribute('value');
  const output = await speaker.locator('option').nth(1).getAttribute('value');
  await microphone.selectOption(input);
  await speaker.selectOption(output);
  await ada.join();
  const last = () => ada.page.evaluate(() => seen.wanted.at(-1));
  expect(await last()).toMatchObject({ deviceId: { exact: input }, echoCancellation: false, noiseSuppression: false, autoGainControl: false });
  const sinks = () => ada.page.evaluate(() => [...document.querySelectorAll<HTMLMediaElement & { sinkId: string }>('#voice audio')].map(({ sinkId }) => sinkId));
  await expect.poll(async () => new Set(await sinks())).toEqual(new Set([output]));
  for (const [words, name] of [['Take echoes away', 'echoCancellation'], ['Take noise away', 'noiseSuppression'], ['Even out the loudness', 'autoGainControl']]) {
    await ada.page.getByLabel(words).check();
    await expect.poll(last).toMatchObject({ [name]: true });
  }
  // What is sent is treated so, over the same connection.
  const sent = () =>
    ada.page.evaluate(() => {
      const { connections } = (window as unknown as { ears: { connections: RTCPeerConnection[] } }).ears;
      const { echoCancellation, noiseSuppression, autoGainControl } = connections[0].getSenders()[0].track?.getSettings() ?? {};
      return [connections.length, echoCancellation, noiseSuppression, autoGainControl];
    });
  await expect.poll(sent).toEqual([1, true, true, true]);

  await settings(ada);
  await expect(microphone).toHaveValue(input as string);
  await expect(speaker).toHaveValue(output as string);
  await expect(ada.page.getByLabel('Take noise away')).toBeChecked();
  await ada.leave();
});

test('who comes and goes is announced, and heard where one wants it', async ({ people: { ada, bob } }) => {
  await settings(ada);
  await ada.join();
  await bob.open();
  const announced = ada.dock.locator('[data-part=announced]');
  const notes = () => ada.page.evaluate(() => seen.notes);
  await bob.join();
  await expect(announced).toHaveText('bob joined.');
  expect(await notes()).toBe(0);
  await ada.page.getByLabel('Sounds when somebody comes or goes').check();
  await bob.leave();
  await expect(announced).toHaveText('bob left.');
  expect(await notes()).toBe(2);
  await ada.leave();
});

test('the dock by keys, for everybody, and over no figure', async ({ people: { bob } }) => {
  await bob.page.goto('/');
  await new Dashboard(bob.page).expectLive();
  await bob.open('/');
  await bob.join();
  for (const theme of ['dark', 'light'] as const) {
    await bob.page.evaluate((chosen) => document.documentElement.setAttribute('data-theme', chosen), theme);
    const { violations } = await new AxeBuilder({ page: bob.page }).include('#voice').analyze();
    expect(violations).toEqual([]);
  }
  const overlap = () =>
    bob.page.evaluate(() => {
      const dock = document.querySelector('#voice-panel') as Element;
      const { left } = dock.getBoundingClientRect();
      return [...document.querySelectorAll('main .card')].filter((card) => card.getBoundingClientRect().right > left).length;
    });
  await expect.poll(overlap).toBe(0);
  await expect(bob.panel).toContainText('The server could hear it; nothing is recorded.');
  // What is pressed and goes away leaves the focus in the dock.
  const title = bob.panel.getByRole('heading', { name: 'Voice', exact: true });
  await bob.leave();
  await bob.button('Join Team room').press('Enter');
  await bob.expectConnected();
  await expect(title).toBeFocused();
  await bob.button('Leave').press('Enter');
  await expect(title).toBeFocused();
  // Elsewhere Escape is the page's.
  await bob.page.evaluate(() => (document.activeElement as HTMLElement).blur());
  await bob.page.keyboard.press('Escape');
  await expect(bob.panel).toBeVisible();
  await title.focus();
  await bob.page.keyboard.press('Escape');
  await expect(bob.panel).toBeHidden();
  await expect(bob.dock.getByRole('button', { name: /^Voice/ })).toBeFocused();
  await bob.page.keyboard.press('v');
  await expect(bob.panel.getByRole('heading', { name: 'Voice' })).toBeFocused();
  await bob.page.setViewportSize({ width: 390, height: 844 });
  const width = await bob.page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
  expect(width[0]).toBeLessThanOrEqual(width[1]);
  await bob.page.setViewportSize({ width: 1440, height: 900 });
  await bob.leave();
});
