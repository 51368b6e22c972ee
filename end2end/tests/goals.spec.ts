// Goals on cards, notes on charts: set on a page of plain forms, seen at once on open dashboards.

import AxeBuilder from '@axe-core/playwright';

import { daysAgo, order } from '../support/shopify';
import { expect, test } from '../support/test';

test.use({ serverFor: 'goals' });

const isoDate = (at: Date) => at.toLocaleDateString('sv-SE', { timeZone: 'Europe/London' });

test.beforeAll(async ({ shop }) => {
  for (const body of [order({ minor: 62_000 }), order({ minor: 5_000, placedAt: daysAgo(3) })]) expect(await shop.post(body)).toBe(200);
});

for (const width of [390, 1024, 1440]) {
  test(`axe finds nothing on goals and notes, ${width} px`, async ({ openDashboard }) => {
    const { page } = await openDashboard({ viewport: { width, height: 900 } });
    await page.goto('/goals');
    expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
    expect(await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)).toBeLessThanOrEqual(0);
  });
}

test('a goal is set, and the open dashboard shows how far it is', async ({ openDashboard, watch }) => {
  const watcher = await openDashboard();
  await watcher.open();
  await watcher.mark();
  await expect(watcher.hero.getByRole('progressbar')).toHaveCount(0);

  const { page } = await openDashboard();
  await page.goto('/goals');
  watch.expects(/status of 422/);
  await page.getByLabel('When', { exact: true }).selectOption('each day');
  await page.getByLabel(/^Target/).fill('lots');
  await page.getByRole('button', { name: 'Set the goal' }).click();
  await expect(page.getByLabel(/^Target/)).toHaveAccessibleDescription(/an amount of GBP above nothing/);
  await page.getByLabel(/^Target/).fill('1,000');
  await page.getByRole('button', { name: 'Set the goal' }).click();
  await expect(page.getByRole('status')).toHaveText('The goal is set.');

  await expect(watcher.hero.getByText('62% of £1,000')).toBeVisible();
  await expect(watcher.hero.getByRole('progressbar')).toHaveAttribute('value', '620');
  await expect(watcher.row('Goals', 'Revenue, today')).toContainText('62% of £1,000');
  await watcher.expectNotReloaded();
  expect((await new AxeBuilder({ page: watcher.page }).include('.hero').analyze()).violations).toEqual([]);

  await page.getByRole('button', { name: 'Remove the goal Revenue, each day' }).click();
  await expect(watcher.hero.getByRole('progressbar')).toHaveCount(0);
  await watcher.expectNotReloaded();
});

test('a note is marked on the chart, said by the keyboard, listed, changed and removed', async ({ openDashboard }) => {
  const watcher = await openDashboard();
  await watcher.page.goto('/?range=7d');
  await watcher.expectLive();
  await watcher.mark();
  const day = isoDate(daysAgo(3));

  const dashboard = await openDashboard();
  await dashboard.page.goto(`/?from=${day}&to=${day}`);
  await dashboard.expectLive();
  await dashboard.page.getByRole('link', { name: 'Add a note' }).click();
  const page = dashboard.page;
  await expect(page.getByLabel('Day', { exact: true })).toHaveValue(day);
  await page.getByLabel('Note', { exact: true }).fill('<b>Postal</b> strike');
  await page.getByRole('button', { name: 'Add the note' }).click();
  await expect(page.getByRole('status')).toHaveText('The note is kept.');

  const list = watcher.page.getByRole('region', { name: 'Notes and milestones', exact: true }).first();
  await expect(list.getByText('<b>Postal</b> strike')).toBeVisible();
  await watcher.chart.focus();
  await watcher.page.keyboard.press('End');
  for (let i = 0; i < 3; i++) await watcher.page.keyboard.press('ArrowLeft');
  await expect(watcher.page.getByText(/\. <b>Postal<\/b> strike \(ada\)/).first()).toBeVisible();
  await watcher.expectNotReloaded();

  await list.getByRole('rowheader').getByRole('link').first().click();
  await expect(watcher.page.getByLabel('Note', { exact: true })).toHaveValue('<b>Postal</b> strike');
  await watcher.page.getByLabel('Note', { exact: true }).fill('Strike over');
  await watcher.page.getByRole('button', { name: 'Keep the change' }).click();
  await expect(watcher.page.getByText('Strike over')).toBeVisible();
  await watcher.page.getByRole('button', { name: /^Remove the note of/ }).click();
  await expect(watcher.page.getByRole('status')).toHaveText('The note is removed.');
  await expect(watcher.page.getByText('Strike over')).toHaveCount(0);
});
