import { WebSocketRoute } from '@playwright/test';

import { Dashboard } from '../support/pages';
import { expect, test as base } from '../support/test';
import { Caller, Callers, SOON_MS, median } from '../support/voice';

const AT_ONCE_MS = 300;
const CUT_MS = 10_000;
const BACK_MS = 5_000;

interface People {
  ada: Caller;
  bob: Caller;
  cy: Caller;
}

/** Three processes for the whole file: starting them is what takes long. */
const test = base.extend<object, { people: People }>({
  people: [
    async ({ server }, use, { project }) => {
      const callers = new Callers(server, project.use.launchOptions ?? {});
      try {
        // Ada is there already, as the administrator.
        const ada = await callers.add('ada');
        const bob = await callers.add('bob', { role: 'analyst' });
        const cy = await callers.add('cy', { role: 'analyst' });
        await use({ ada, bob, cy });
      } finally {
        await callers.close();
      }
    },
    { scope: 'worker', timeout: 120_000 },
  ],
});
test.use({ serverFor: 'voice' });

test.beforeEach(async ({ people, watch }) => {
  for (const { page } of Object.values(people)) watch.follow(page);
});

test.afterEach(async ({ people, server }, testInfo) => {
  if (testInfo.status !== testInfo.expectedStatus) {
    await testInfo.attach('server log', { body: server.log });
    for (const { name, page } of Object.values(people)) await testInfo.attach(name, { body: await page.screenshot(), contentType: 'image/png' });
  }
});

/** All three in the room, on a page without much else. */
async function together({ ada, bob, cy }: People): Promise<void> {
  for (const one of [ada, bob, cy]) {
    await one.open();
    if (await one.button('Leave').isHidden()) await one.join();
    await one.expectConnected();
  }
  for (const one of [ada, bob, cy]) await one.expectHears([ada, bob, cy].filter((other) => other !== one));
}

test('three people hear one another', async ({ people }) => {
  const { ada, bob, cy } = people;
  await together(people);
  for (const one of [ada, bob, cy]) {
    const before = await one.received();
    await expect.poll(async () => (await one.received()).energy).toBeGreaterThan(before.energy);
    await expect(one.people.getByRole('listitem')).toHaveCount(3);
    expect(before.open).toBe(1);
  }
  await expect(ada.dock.getByRole('button', { name: 'Voice 3 in Team room' })).toBeVisible();
});

test('who mutes is silent at once, and who speaks is seen at once', async ({ people }) => {
  const { ada, bob } = people;
  await together(people);
  const row = await bob.person('ada').getAttribute('data-person');
  const [silences, rings] = [[], []] as number[][];
  for (let n = 0; n < 3; n++) {
    const silent = bob.when(ada, false);
    const still = bob.whenShown(`.voice-person.is-speaking[data-person="${row}"]`, false);
    const muted = await ada.press('m');
    silences.push((await silent) - muted);
    await expect(ada.status).toHaveText('You are muted.');
    await expect(bob.person('ada')).toContainText('muted');
    await still;
    const ring = bob.whenShown(`.voice-person.is-speaking[data-person="${row}"]`, true);
    rings.push(-(await ada.press('m')) + (await ring));
    await bob.expectHears([ada, people.cy]);
  }
  expect(median(silences), `silent after ${silences} ms`).toBeLessThan(AT_ONCE_MS);
  expect(median(rings), `seen after ${rings} ms`).toBeLessThan(AT_ONCE_MS);
});

test('who is deaf hears nobody, and each has a loudness of their own', async ({ people }) => {
  const { ada, bob, cy } = people;
  await together(people);
  await bob.button('Deafen').click();
  await expect(ada.person('bob')).toContainText('hears nobody');
  await bob.expectHears([]);
  await bob.button('Deafen').click();
  await bob.expectHears([ada, cy]);

  await bob.person('ada').getByLabel('Options for ada').click();
  const volume = bob.page.getByLabel('Volume of ada');
  await volume.fill('30');
  const number = await bob.person('ada').getAttribute('data-person');
  const loudness = () => bob.page.locator(`#voice audio[data-person="${number}"]`).evaluate((player: HTMLAudioElement) => player.volume);
  expect(await loudness()).toBe(0.3);
  // It is remembered.
  await bob.open('/goals');
  await bob.expectConnected();
  await expect.poll(loudness).toBe(0.3);
  await bob.person('ada').getByLabel('Options for ada').click();
  await bob.page.getByLabel('Volume of ada').fill('100');
});

test('an administrator mutes and removes', async ({ people }) => {
  const { ada, bob, cy } = people;
  await together(people);
  await cy.person('bob').getByLabel('Options for bob').click();
  await expect(cy.panel.getByRole('button', { name: 'Mute for everybody' })).toBeHidden();

  await ada.person('bob').getByLabel('Options for bob').click();
  await ada.button('Mute for everybody').click();
  await expect(bob.status).toHaveText('An administrator has muted you: nobody hears you.');
  await cy.expectHears([ada]);
  await ada.button('Let them be heard').click();
  await cy.expectHears([ada, bob]);
  // The dock is closed: it says so all the same.
  const removed = 'An administrator has removed you from the room.';
  await bob.page.keyboard.press('v');
  await expect(bob.panel).toBeHidden();
  await ada.button('Remove from the room').click();
  await expect(bob.dock.locator('[data-part=beside]')).toContainText(removed);
  await expect(bob.dock.locator('[data-part=announced]')).toHaveText(removed);
  await bob.page.keyboard.press('v');
  await expect(bob.panel).toContainText(removed);
  await expect(bob.button('Join Team room')).toBeVisible();
  await expect(cy.people.getByRole('listitem')).toHaveCount(2);
});

test('push to talk: heard while the key is held, never while one types', async ({ people }) => {
  const { ada, bob, cy } = people;
  await together(people);
  await cy.panel.getByText('Microphone and sound').click();
  await cy.page.getByLabel('Push to talk').check();
  await expect(cy.status).toHaveText('Hold Space to talk.');
  await ada.expectHears([bob]);
  await cy.panel.getByRole('heading', { name: 'Voice' }).focus();
  await cy.page.keyboard.down('Space');
  await ada.expectHears([bob, cy]);
  await cy.page.keyboard.up('Space');
  await ada.expectHears([bob]);
  // A space in a field is a space.
  await cy.button('Leave an annotation').click();
  const words = cy.page.getByLabel('Words of the annotation');
  await words.press('Space');
  await expect(words).toHaveValue(' ');
  await expect(cy.status).toHaveText('Hold Space to talk.');
  await cy.panel.getByRole('button', { name: 'Close', exact: true }).click();
  // Another key, also one that does something else; not one that others are held with.
  const key = cy.panel.locator('[data-do=key]');
  for (const [pressed, name] of [['b', 'B'], ['m', 'M'], ['v', 'V']]) {
    await key.click();
    await expect(key).toHaveText('Press a key…');
    await cy.page.keyboard.press('Control');
    await cy.page.keyboard.press(pressed);
    await expect(key).toHaveText(name);
    await expect(cy.status).toHaveText(`Hold ${name} to talk.`);
  }
  // Who goes elsewhere chooses no more, and Escape leaves only the choice.
  await key.click();
  await key.press('Escape');
  await expect(key).toHaveText('V');
  await key.click();
  await cy.button('Leave an annotation').click();
  await words.fill('');
  await words.press('x');
  await expect(words).toHaveValue('x');
  await cy.panel.getByRole('button', { name: 'Close', exact: true }).click();
  await expect(cy.status).toHaveText('Hold V to talk.');
  // The button is let go of with the focus; what only presses it talks until it presses again.
  const hold = cy.button('Hold to talk');
  await hold.focus();
  await cy.page.keyboard.down('Enter');
  await expect(cy.status).toHaveText('You are heard.');
  await key.focus();
  await expect(cy.status).toHaveText('Hold V to talk.');
  await cy.page.keyboard.up('Enter');
  for (const words of ['You are heard.', 'Hold V to talk.']) {
    await hold.evaluate((button: HTMLElement) => button.click());
    await expect(cy.status).toHaveText(words);
  }
  await cy.page.getByLabel('Push to talk').uncheck();
  await ada.expectHears([bob, cy]);
});

test('the call comes along to another page, and others see nobody leave', async ({ people }) => {
  const { ada, bob, cy } = people;
  await together(people);
  await ada.page.evaluate(() => {
    const list = document.querySelector('[data-part=people]') as Element;
    Object.assign(window, { least: list.children.length });
    new MutationObserver(() => Object.assign(window, { least: Math.min((window as unknown as { least: number }).least, list.children.length) })).observe(list, { childList: true });
  });
  await bob.page.goto('/settings');
  await bob.expectConnected();
  await bob.expectHears([ada, cy]);
  await ada.expectHears([bob, cy]);
  expect(await ada.page.evaluate(() => (window as unknown as { least: number }).least)).toBe(3);
  await expect(bob.panel).toBeVisible();
});

test('a socket that is cut for ten seconds is not heard', async ({ people }) => {
  const { ada, bob, cy } = people;
  const open = new Set<WebSocketRoute>();
  let isCut = false;
  await bob.context.routeWebSocket('**/voice', async (socket) => {
    if (isCut) return socket.close();
    open.add(socket);
    socket.connectToServer();
  });
  await together(people);
  const [before, began] = [await bob.received(), Date.now()];
  isCut = true;
  for (const socket of open) await socket.close();
  await expect(bob.status).toHaveText('The server cannot be reached. Those in the room still hear one another.');
  let [last, longest] = [before.packets, 0];
  let changed = Date.now();
  await expect
    .poll(async () => {
      const { packets } = await bob.received();
      if (packets > last) [last, changed] = [packets, Date.now()];
      longest = Math.max(longest, Date.now() - changed);
      return Date.now() - began;
    }, { intervals: [100], timeout: CUT_MS + SOON_MS })
    .toBeGreaterThan(CUT_MS);
  isCut = false;
  await bob.expectConnected();
  const after = await bob.received();
  expect(after.open).toBe(1);
  // Fifty packets a second from each of two.
  expect(after.packets - before.packets).toBeGreaterThan(0.9 * 100 * (CUT_MS / 1_000));
  expect(longest, 'ms without a packet').toBeLessThan(1_000);
  expect((after.concealed - before.concealed) / (after.samples - before.samples), 'made up').toBeLessThan(0.05);
  await ada.expectHears([bob, cy]);
  await bob.context.unrouteAll();
});

test('the server starts again, and everybody is back by themselves', async ({ people, server, watch }) => {
  test.setTimeout(120_000);
  const all = Object.values(people);
  await together(people);
  // The socket, and the page's event stream.
  watch.expects(/WebSocket connection to|ERR_CONNECTION_REFUSED|ERR_EMPTY_RESPONSE|ERR_INCOMPLETE_CHUNKED|ERR_CONNECTION_RESET/);
  await server.stop();
  await expect(people.bob.status).toHaveText(/cannot be reached|interrupted/);
  await server.start();
  const started = Date.now();
  await Promise.all(all.map((one) => one.expectHears(all.filter((other) => other !== one), BACK_MS)));
  expect(Date.now() - started).toBeLessThan(BACK_MS);
});

test('who leaves gives the line free', async ({ people }) => {
  const { ada, bob, cy } = people;
  await together(people);
  const number = await ada.person('bob').getAttribute('data-person');
  await expect(ada.page.locator(`#voice audio[data-person="${number}"]`)).toHaveCount(1);
  await bob.leave();
  await expect(ada.page.locator(`#voice audio[data-person="${number}"]`)).toHaveCount(0);
  await ada.expectHears([cy]);
  await expect(ada.people.getByRole('listitem')).toHaveCount(2);
  await expect(ada.dock.locator('[data-part=announced]')).toHaveText('bob left.');
});

test('one moves to another room in one step, and back', async ({ people }) => {
  const { ada, bob, cy } = people;
  await ada.page.goto('/calls');
  await ada.page.getByText('All rooms', { exact: true }).click();
  await ada.page.getByLabel('Another room').fill('Quiet room');
  await ada.page.getByRole('main').getByRole('button', { name: 'Add', exact: true }).click();
  await together(people);
  await bob.button('Join Quiet room').press('Enter');
  await expect(bob.panel.getByRole('heading', { name: 'Quiet room' })).toBeVisible();
  await expect(bob.panel.getByRole('heading', { name: 'Voice', exact: true })).toBeFocused();
  await bob.expectConnected();
  await ada.expectHears([cy]);
  await bob.expectHears([]);
  await expect(bob.people.getByRole('listitem')).toHaveCount(1);
  expect((await bob.received()).open).toBe(1);
  await bob.button('Join Team room').click();
  await bob.expectHears([ada, cy]);
  await ada.expectHears([bob, cy]);
});

test('through the relay alone: it is flagged and charged', async ({ people, server, token }) => {
  const { ada, bob, cy } = people;
  await bob.page.goto('/goals');
  await bob.leave();
  await bob.page.evaluate(() => localStorage.setItem('takings.voice.relay-only', '1'));
  await together(people);
  const { routes } = await bob.received();
  expect(routes).toEqual(['relay']);
  expect((await ada.received()).routes).not.toContain('relay');

  const asked = async (path: string) =>
    (await fetch(`${server.url}/api${path}`, { headers: { authorization: `Bearer ${token}` } })).json();
  const relayed = async () => {
    const [meeting] = (await asked('/metrics/meetings/active')) as { users: { userName: string; usingRelay: boolean }[] }[];
    return meeting.users.filter(({ usingRelay }) => usingRelay).map(({ userName }) => userName);
  };
  await expect.poll(relayed).toEqual(['bob']);
  expect(await asked('/metrics/meetings/stats/turn')).toEqual({ totalUsers: 3, turnUsers: 1, turnPercentage: 33.3, estimatedCostPerHour: 0.05 });
  await ada.page.goto('/calls');
  await expect(ada.page.getByRole('row').filter({ has: ada.page.getByText('bob', { exact: true }) })).toContainText('Relayed');
  // A phone shows the table in its own scroller, and the bar of the site as on every page.
  const bar = () => ada.page.getByRole('banner').evaluate((element) => element.getBoundingClientRect().height);
  expect(await bar()).toBeGreaterThan(48);
  await ada.page.setViewportSize({ width: 390, height: 844 });
  expect(await ada.page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)).toBe(0);
  await ada.page.setViewportSize({ width: 1440, height: 900 });
  await ada.expectConnected();
  await bob.page.evaluate(() => localStorage.removeItem('takings.voice.relay-only'));
  await bob.open();
  await bob.expectHears([ada, cy]);
});

test('one presents and another follows; a pointer names what it is at; a note is left', async ({ people }) => {
  const { ada, bob, cy } = people;
  await cy.leave();
  for (const one of [ada, bob]) {
    await one.open('/?range=30d');
    if (await one.button('Leave').isHidden()) await one.join();
    await one.expectConnected();
    await new Dashboard(one.page).expectLive();
  }
  await ada.button('Present my view').click();
  await expect(bob.person('ada')).toContainText('presents');
  await bob.button('Follow ada').click();
  await ada.page.keyboard.press('w');
  await expect(bob.page).toHaveURL(/\?range=week$/);
  // The page was not loaded anew: the connection is the same.
  expect((await bob.received()).open).toBe(1);
  const card = (one: Caller) => one.page.getByRole('region', { name: 'Platforms', exact: true }).first();
  await card(ada).evaluate((element) => element.scrollIntoView({ block: 'start' }));
  await expect(card(bob)).toBeInViewport();

  await card(ada).getByRole('heading').hover();
  await expect(bob.page.locator('.voice-dot')).toHaveText('ada: Platforms');
  await expect(bob.page.locator('.voice-dot')).toHaveCount(0);

  // With filters, too.
  await ada.page.goto('/?range=30d&country=GB');
  await expect(bob.page).toHaveURL(/\?range=30d&country=GB$/);
  expect((await bob.received()).open).toBe(1);
  // A browser complains of a page that is left before its socket stands.
  for (const one of [ada, bob]) await new Dashboard(one.page).expectLive();

  await ada.page.goto('/royalties');
  await expect(bob.page).toHaveURL(/\/royalties$/);
  await bob.expectConnected();
  await ada.expectConnected();
  await ada.button('Present my view').click();
  await expect(bob.button('Follow ada')).toBeHidden();

  await bob.page.goto('/');
  await bob.button('Leave an annotation').click();
  await bob.page.getByLabel('Words of the annotation').fill('Talked about <b>this</b>');
  await bob.button('Keep it').click();
  await expect(bob.panel).toContainText('The annotation is kept');
  await expect(bob.page.getByRole('main').getByText('Talked about <b>this</b>').first()).toBeAttached();
});

test('a microphone that is refused, and sound that the browser holds back', async ({ people }) => {
  const { ada, bob, cy } = people;
  await cy.open();
  await cy.leave();
  await cy.page.evaluate(() => {
    navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('refused', 'NotAllowedError'));
    HTMLMediaElement.prototype.play = () => Promise.reject(new DOMException('held back', 'NotAllowedError'));
  });
  await ada.open();
  await bob.open();
  for (const one of [ada, bob]) if (await one.button('Leave').isHidden()) await one.join();
  await cy.button('Join Team room').click();
  await expect(cy.status).toHaveText('You are listening.', { timeout: SOON_MS });
  await expect(cy.panel).toContainText('The browser does not let this page use the microphone.');
  await expect(ada.person('cy')).toContainText('muted');
  await cy.page.evaluate(() => Reflect.deleteProperty(HTMLMediaElement.prototype, 'play'));
  await cy.button('Enable sound').press('Enter');
  await expect(cy.button('Enable sound')).toBeHidden();
  await expect(cy.panel.getByRole('heading', { name: 'Voice', exact: true })).toBeFocused();
  await cy.expectHears([ada, bob]);
});
