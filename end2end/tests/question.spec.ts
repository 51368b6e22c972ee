// The question in the address: menus, filters and tables change it, and it brings the same page back.

import { order, pounds } from '../support/shopify';
import { expect, test } from '../support/test';

test.use({ serverFor: 'question' });

test('a range is chosen, goes into the address, and comes back with the browser', async ({ openDashboard, shop, told }) => {
  expect(await shop.post(order({ minor: 1_000 }))).toBe(200);
  const dashboard = await openDashboard();
  await dashboard.open();
  await dashboard.mark();
  const thirty = await dashboard.settled('range-revenue');
  const today = (await told()).today.revenue;

  await dashboard.choose('Range', 'Today');
  await expect(dashboard.page).toHaveURL(/\?range=today$/);
  await expect(dashboard.figure('range-revenue')).toHaveText(pounds(today));
  await dashboard.page.goBack();
  await expect(dashboard.page).toHaveURL(/\/$/);
  await expect(dashboard.figure('range-revenue')).toHaveText(thirty);
  await dashboard.page.goForward();
  await expect(dashboard.figure('range-revenue')).toHaveText(pounds(today));
  await dashboard.expectNotReloaded();

  // Whoever opens the link sees the same, and it is live for both.
  const another = await openDashboard();
  await another.page.goto('/?range=today');
  await another.expectLive();
  await expect(another.figure('range-revenue')).toHaveText(pounds(today));
  expect(await shop.post(order({ minor: 250 }))).toBe(200);
  for (const watcher of [dashboard, another]) {
    await expect(watcher.figure('range-revenue')).toHaveText(pounds(today + 250));
  }
});

test('a country filters the page; its chip takes the filter away', async ({ openDashboard, shop }) => {
  expect(await shop.post(order({ minor: 4_567 }))).toBe(200);
  const dashboard = await openDashboard();
  await dashboard.open();
  const canada = dashboard.row('Countries', 'Canada');
  const revenue = await canada.getByRole('cell').nth(1).innerText();
  await canada.getByRole('rowheader').getByRole('link').click();
  await expect(dashboard.page).toHaveURL(/\?country=CA$/);
  await expect(dashboard.figure('range-revenue')).toHaveText(revenue);
  await dashboard.page.getByRole('link', { name: 'Remove Canada' }).click();
  await expect(dashboard.page).toHaveURL(/\/$/);
});

test('an order changes its country and its platform in place', async ({ openDashboard, shop }) => {
  expect(await shop.post(order({ minor: 1_111 }))).toBe(200);
  const dashboard = await openDashboard();
  await dashboard.open();
  await dashboard.mark();
  const orders = async (table: string, name: string) =>
    Number((await dashboard.row(table, name).getByRole('cell').first().innerText()).replaceAll(',', ''));
  const before = { canada: await orders('Countries', 'Canada'), shopify: await orders('Platforms', 'Shopify') };
  expect(await shop.post(order({ minor: 1_112 }))).toBe(200);
  await expect.poll(() => orders('Countries', 'Canada')).toBe(before.canada + 1);
  await expect.poll(() => orders('Platforms', 'Shopify')).toBe(before.shopify + 1);
  await dashboard.expectNotReloaded();
});

test('a table is sorted by its headings, with the keyboard too', async ({ openDashboard }) => {
  const dashboard = await openDashboard();
  await dashboard.open();
  const table = dashboard.table('Average order, day by day');
  const first = table.getByRole('rowheader').first();
  const newest = await first.innerText();
  await table.getByRole('button', { name: 'Date' }).focus();
  await dashboard.page.keyboard.press('Enter');
  await expect(table.getByRole('columnheader', { name: 'Date' })).toHaveAttribute('aria-sort', 'ascending');
  await expect(first).not.toHaveText(newest);
  await dashboard.page.keyboard.press('Enter');
  await expect(table.getByRole('columnheader', { name: 'Date' })).toHaveAttribute('aria-sort', 'descending');
  await expect(first).toHaveText(newest);
});

test('an address that asks for nothing sensible says so', async ({ openDashboard }) => {
  const dashboard = await openDashboard();
  await dashboard.page.goto('/?range=fortnight');
  await expect(dashboard.page.getByText('range is one of today, yesterday')).toBeVisible();
  await expect(dashboard.page.getByRole('link', { name: 'Try again' })).toBeVisible();
});
