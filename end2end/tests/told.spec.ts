// How each person is told of orders: what they have chosen holds wherever they sign in; toasts wait for who reads them; a page
// out of sight sleeps, and has caught up when it is seen again.

import AxeBuilder from '@axe-core/playwright';
import { Page } from '@playwright/test';

import { Dashboard } from '../support/pages';
import { newId, order, pounds, refund } from '../support/shopify';
import { expect, test } from '../support/test';

test.use({ serverFor: 'told' });

/** Longer than a toast stays. */
const TOAST_GONE_MS = 6_000;
/** Longer than a page is out of sight before it sleeps. */
const ASLEEP_MS = 31_000;

const choices = (page: Page) => page.getByRole('dialog', { name: 'Sounds and notifications' });

/** Opens the dialog; what was chosen before has come when the button works. */
async function openChoices(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Sounds and notifications' }).click();
  await expect(choices(page)).toBeVisible();
}

/** Waits until the server has kept a choice. */
const kept = (page: Page) =>
  page.waitForResponse((answer) => answer.url().endsWith('/preferences') && answer.request().method() === 'POST' && answer.status() === 204);

async function choose(page: Page, label: string, on: boolean): Promise<void> {
  await Promise.all([kept(page), choices(page).getByLabel(label).setChecked(on)]);
}

/** Sets the loudness, in percent. */
async function setSound(page: Page, percent: number): Promise<void> {
  await Promise.all([kept(page), choices(page).getByLabel('Sound for an order').fill(String(percent))]);
}

/** Puts the page out of sight or brings it back, as another tab in front of it does. */
async function setHidden(page: Page, hidden: boolean): Promise<void> {
  await page.evaluate((hidden) => {
    Object.defineProperty(document, 'hidden', { configurable: true, get: () => hidden });
    document.dispatchEvent(new Event('visibilitychange'));
  }, hidden);
}

test('live off is the same wherever the person signs in, and live again catches up', async ({ openDashboard, shop, told }) => {
  const dashboard = await openDashboard();
  await dashboard.open();
  await Promise.all([kept(dashboard.page), dashboard.badge.click()]);
  await expect(dashboard.status).toHaveText('Updates: live off');

  const elsewhere = await openDashboard();
  await elsewhere.page.goto('/');
  await expect(elsewhere.status).toHaveText('Updates: live off');
  const before = (await told()).today;
  expect(await shop.post(order({ minor: 1_111 }))).toBe(200);
  await expect.poll(async () => (await told()).today.orders).toBe(before.orders + 1);
  await expect(elsewhere.figure('today-revenue')).toHaveText(pounds(before.revenue));

  await Promise.all([kept(elsewhere.page), elsewhere.page.keyboard.press('l')]);
  await elsewhere.expectLive();
  await expect(elsewhere.figure('today-revenue')).toHaveText(pounds(before.revenue + 1_111));
  await expect(elsewhere.page.getByText(/^last event \d\d:\d\d$/)).toBeVisible();
  await dashboard.page.reload();
  await dashboard.expectLive();
});

test('toasts stay while somebody reads them, and go by themselves or by a key', async ({ openDashboard, shop }) => {
  const dashboard = await openDashboard();
  const { page } = dashboard;
  await page.clock.install();
  await dashboard.open();
  const toast = dashboard.toast('New order: £12.34 · CA · Shopify');
  expect(await shop.post(order({ minor: 1_234 }))).toBe(200);
  await toast.hover();
  await page.clock.fastForward(TOAST_GONE_MS);
  await expect(toast).toBeVisible();
  await page.mouse.move(0, 0);
  await page.clock.fastForward(TOAST_GONE_MS);
  await expect(toast).toBeHidden();

  expect(await shop.post(order({ minor: 2_345 }))).toBe(200);
  const next = dashboard.toast('New order: £23.45 · CA · Shopify');
  await expect(next).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(next).toBeHidden();
  // The button of one takes the pointer and the focus with it: later ones go by themselves all the same.
  expect(await shop.post(order({ minor: 3_456 }))).toBe(200);
  await dashboard.toasts.getByRole('button', { name: 'Dismiss' }).click();
  expect(await shop.post(order({ minor: 4_567 }))).toBe(200);
  const last = dashboard.toast('New order: £45.67 · CA · Shopify');
  await expect(last).toBeVisible();
  await page.mouse.move(0, 0);
  await page.clock.fastForward(TOAST_GONE_MS);
  await expect(last).toBeHidden();
});

test('sound and rules are chosen once and hold', async ({ openDashboard, shop }) => {
  const dashboard = await openDashboard();
  const { page } = dashboard;
  await dashboard.open();
  await openChoices(page);
  await setSound(page, 40);
  await expect(choices(page)).toContainText('40 %');
  await choose(page, 'free orders', true);
  await choose(page, 'refunds', true);
  expect((await new AxeBuilder({ page }).include('#told').analyze()).violations).toEqual([]);
  await page.keyboard.press('Escape');
  await expect(choices(page)).toBeHidden();

  await page.reload();
  await dashboard.expectLive();
  await openChoices(page);
  await expect(choices(page).getByLabel('Sound for an order')).toHaveValue('40');
  await expect(choices(page).getByLabel('free orders')).toBeChecked();
  await choices(page).getByRole('button', { name: 'Close' }).click();
  await page.evaluate(() => {
    const heard: number[] = ((window as unknown as { heard: number[] }).heard = []);
    document.addEventListener('takings:chime', (event) => heard.push((event as CustomEvent<number>).detail));
  });
  const chimes = () => page.evaluate(() => (window as unknown as { heard: number[] }).heard);

  const id = newId();
  expect(await shop.post(order({ minor: 5_555, id }))).toBe(200);
  await expect(dashboard.toast('New order: £55.55 · CA · Shopify')).toBeVisible();
  await expect.poll(chimes).toEqual([40]);
  expect(await shop.post(order({ minor: 0 }))).toBe(200);
  expect(await shop.post(refund(id, 500))).toBe(200);
  // They are there, without a word of them in the corner.
  await expect(dashboard.tickerRow('£0.00 · CA · Shopify')).toHaveCount(1);
  await expect(dashboard.tickerRow('\u2212£5.00 · CA · Shopify')).toHaveCount(1);
  await expect(dashboard.toast('£0.00')).toHaveCount(0);
  await expect(dashboard.toast('Refund')).toHaveCount(0);
  expect(await chimes()).toEqual([40]);

  await openChoices(page);
  await choose(page, 'free orders', false);
  await choose(page, 'refunds', false);
  await choose(page, 'Tell of orders in the corner of the page', false);
  await setSound(page, 0);
  await page.keyboard.press('Escape');
  expect(await shop.post(order({ minor: 6_666 }))).toBe(200);
  await expect(dashboard.tickerRow('£66.66 · CA · Shopify')).toHaveCount(1);
  await expect(dashboard.toast('£66.66')).toHaveCount(0);
  await openChoices(page);
  await choose(page, 'Tell of orders in the corner of the page', true);
});

test('the browser notifies where it is allowed to and the page is out of sight', async ({ openDashboard, shop }) => {
  const dashboard = await openDashboard();
  const { page } = dashboard;
  // No desktop shows notifications here: what the page asks the browser to show is what counts.
  await page.addInitScript(() => {
    const shown: string[] = [];
    class Shown {
      static permission = 'default';
      static requestPermission = async () => (Shown.permission = 'granted');
      onclick?: () => void;
      constructor(title: string, options: { body: string }) {
        shown.push(`${title}: ${options.body}`);
      }
    }
    Object.assign(window, { Notification: Shown, shown });
  });
  await dashboard.open();
  await openChoices(page);
  await choose(page, 'Notifications of the browser while this page is out of sight', true);
  await page.keyboard.press('Escape');
  const shown = () => page.evaluate(() => (window as unknown as { shown: string[] }).shown);
  expect(await shop.post(order({ minor: 7_001 }))).toBe(200);
  await expect(dashboard.toast('£70.01')).toBeVisible();
  await setHidden(page, true);
  expect(await shop.post(order({ minor: 7_002 }))).toBe(200);
  await expect.poll(shown).toEqual(['New order: £70.02 · CA · Shopify']);
  await setHidden(page, false);
  await openChoices(page);
  await choose(page, 'Notifications of the browser while this page is out of sight', false);
});

test('a browser that refuses notifications is said to', async ({ openDashboard }) => {
  const dashboard = await openDashboard();
  const { page } = dashboard;
  await page.addInitScript(() => {
    Object.assign(window, { Notification: class { static permission = 'denied'; static requestPermission = async () => 'denied'; } });
  });
  await dashboard.open();
  await openChoices(page);
  const notify = choices(page).getByLabel('Notifications of the browser while this page is out of sight');
  await notify.click();
  await expect(choices(page).locator('p[role=status]')).toContainText('does not let the page notify you');
  await expect(notify).not.toBeChecked();
});

test('a page out of sight sleeps, and has caught up when it is seen again', async ({ openDashboard, shop, told }) => {
  const dashboard = await openDashboard();
  const { page } = dashboard;
  await page.clock.install();
  const sockets: { closed: Promise<unknown> }[] = [];
  page.on('websocket', (socket) => sockets.push({ closed: socket.waitForEvent('close', { timeout: 0 }).catch(() => null) }));
  await dashboard.open();
  await dashboard.mark();
  const before = (await told()).today;
  await setHidden(page, true);
  await page.clock.fastForward(ASLEEP_MS);
  await sockets[0].closed;
  expect(await shop.post(order({ minor: 8_888 }))).toBe(200);
  await expect.poll(async () => (await told()).today.orders).toBe(before.orders + 1);
  await expect(dashboard.figure('today-revenue')).toHaveText(pounds(before.revenue));
  expect(sockets).toHaveLength(1);

  await setHidden(page, false);
  await expect(dashboard.figure('today-revenue')).toHaveText(pounds(before.revenue + 8_888));
  await expect(dashboard.tickerRow('£88.88 · CA · Shopify')).toHaveCount(1);
  await dashboard.expectLive();
  await dashboard.expectNotReloaded();
});
