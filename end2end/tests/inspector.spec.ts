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
