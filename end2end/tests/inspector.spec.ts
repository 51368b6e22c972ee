// What is behind a figure: its panel has an address of its own, says what the page says, and its rows add up to it.

import AxeBuilder from '@axe-core/playwright';

import { order, pounds } from '../support/shopify';
import { expect, test } from '../support/test';

test.use({ serverFor: 'inspector' });

test('a figure opens to its rows; back and Escape close it and give the focus back', async ({ openDashboard, shop }) => {
  expect(await shop.post(order({ minor: 1_234 }))).toBe(200);
  const dashboard = await openDashboard();
  await dashboard.open();
  await dashboard.mark();
  const panel = dashboard.page.getByRole('complementary', { name: 'What is behind the figure' });
  await expect(panel).toBeHidden();

  const shown = await dashboard.settled('today-revenue');
  await dashboard.figure('today-revenue').getByRole('link').click();
  await expect(dashboard.page).toHaveURL(/\?figure=today\.revenue$/);
  await expect(panel.getByRole('heading', { name: 'Revenue, today', exact: true })).toBeVisible();
  await expect(panel.locator('[data-inspected]')).toHaveText(shown);
  await expect(panel).toBeFocused();
  const counted = await panel.locator('[data-counted]').evaluateAll((rows) =>
    rows.reduce((sum, row) => sum + Number((row as HTMLElement).dataset.counted), 0));
  expect(pounds(counted)).toBe(shown);
  expect((await new AxeBuilder({ page: dashboard.page }).include('#inspector').analyze()).violations).toEqual([]);

  await dashboard.page.keyboard.press('Escape');
  await expect(panel).toBeHidden();
  await expect(dashboard.figure('today-revenue').getByRole('link')).toBeFocused();
  await dashboard.page.goBack();
  await expect(panel.getByRole('heading', { name: 'Revenue, today', exact: true })).toBeVisible();
  await dashboard.page.goBack();
  await expect(panel).toBeHidden();
  await dashboard.expectNotReloaded();
});

test('the address of an opened figure shows it to whoever opens it, and its file is the same rows', async ({ openDashboard, shop }) => {
  expect(await shop.post(order({ minor: 2_000 }))).toBe(200);
  const dashboard = await openDashboard();
  await dashboard.page.goto('/?range=today&figure=countries.CA.orders');
  await dashboard.expectLive();
  const panel = dashboard.page.getByRole('complementary', { name: 'What is behind the figure' });
  await expect(panel.getByRole('heading', { name: 'Orders, Canada' })).toBeVisible();
  await expect(panel.locator('[data-inspected]')).toHaveText(await dashboard.row('Countries', 'Canada').getByRole('cell').first().innerText());
  const [file] = await Promise.all([
    dashboard.page.waitForEvent('download'),
    panel.getByRole('link', { name: 'CSV' }).click(),
  ]);
  expect(file.suggestedFilename()).toBe('countries.CA.orders.csv');
  await panel.getByRole('link', { name: 'Close' }).click();
  await expect(dashboard.page).toHaveURL(/\?range=today$/);
  await expect(panel).toBeHidden();
});

test("a row behind a figure leads to its order: the ledger adds up, and the body is text", async ({ openDashboard, shop }) => {
  const placed = order({ minor: 2_345 });
  expect(await shop.post(placed)).toBe(200);
  const dashboard = await openDashboard();
  await dashboard.page.goto('/?figure=today.revenue');
  await dashboard.expectLive();
  const panel = dashboard.page.getByRole('complementary', { name: 'What is behind the figure' });
  const row = panel.locator('[data-counted]').filter({ hasText: '£23.45' }).first();
  const number = await row.getByRole('link').innerText();
  await row.getByRole('link').click();
  const page = dashboard.page;
  await expect(page).toHaveURL(/\/orders\/\d+$/);
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(`Order ${number}`);
  await expect(page).toHaveTitle(`Order ${number} · Takings`);
  const ledger = page.getByRole('region', { name: 'Its ledger' });
  await expect(ledger.getByRole('row').filter({ hasText: 'as an order, and in revenue' })).toHaveCount(1);
  await expect(ledger.locator('[data-total="reporting"]')).toHaveText('£23.45');
  const body = page.getByRole('region', { name: 'Deliveries, as they arrived' });
  await body.getByText(/^The body of delivery/).click();
  await expect(body.locator('pre')).toContainText('"total_price": "23.45"');
  for (const width of [1440, 390]) {
    await page.setViewportSize({ width, height: 900 });
    expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
    expect(await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)).toBeLessThanOrEqual(0);
  }
  await page.getByRole('link', { name: 'Dashboard' }).click();
  await dashboard.expectLive();
});

test('a figure that is not there is said in a sentence', async ({ openDashboard, watch }) => {
  // The browser reports the refusal itself.
  watch.expects(/status of 500/);
  const dashboard = await openDashboard();
  await dashboard.open();
  await dashboard.page.evaluate(() => {
    history.pushState(null, '', '/?figure=profit');
    dispatchEvent(new PopStateEvent('popstate'));
  });
  await expect(dashboard.page.getByRole('alert').filter({ hasText: 'there is no figure named profit' })).toBeVisible();
});
