// The settings: a plain form that works with the keyboard and without a script, and what it changes on open pages.

import AxeBuilder from '@axe-core/playwright';
import { Page } from '@playwright/test';

import { order } from '../support/shopify';
import { expect, test } from '../support/test';

test.use({ serverFor: 'settings' });

async function expectNoBarriers(page: Page): Promise<void> {
  expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
  expect(await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)).toBeLessThanOrEqual(0);
}

for (const colorScheme of ['dark', 'light'] as const) {
  for (const width of [390, 1440]) {
    test(`axe finds nothing on the settings, ${colorScheme}, ${width} px`, async ({ openDashboard }) => {
      const { page } = await openDashboard({ colorScheme, viewport: { width, height: 900 } });
      await page.goto('/settings');
      await expect(page.getByRole('heading', { name: 'Settings', level: 1 })).toBeVisible();
      await expectNoBarriers(page);
    });
  }
}

test('the form as a screen reader has it', async ({ openDashboard }) => {
  const { page } = await openDashboard();
  await page.goto('/settings');
  await expect(page.getByLabel('Reporting currency')).toHaveAccessibleDescription(/rate of its own day/);
  await expect(page.getByLabel('Time zone')).toHaveAccessibleDescription(/this zone's midnight/);
  await expect(page.getByLabel('First day of the week')).toHaveAccessibleDescription(/begins on this day/);
  await expect(page.getByLabel('Average length of a title, in minutes')).toHaveAccessibleDescription(/completed titles/);
});

test('a zone that is none is said beside its field, and what was typed stays', async ({ openDashboard, watch }) => {
  // The browser reports the refusal itself.
  watch.expects(/status of 422/);
  const { page } = await openDashboard();
  await page.goto('/settings');
  await page.getByLabel('Time zone').fill('London');
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(page.getByRole('alert')).toHaveText('Nothing was changed. What is wrong stands beside its field.');
  await expect(page.getByLabel('Time zone')).toHaveValue('London');
  await expect(page.getByLabel('Time zone')).toHaveAccessibleDescription(/is no time zone: give an IANA name, such as Europe\/London/);
  await expectNoBarriers(page);
});

test('another currency is chosen on the page, and the open dashboard changes to it', async ({ openDashboard, shop }) => {
  // Of a day that the rates which ship with the program reach.
  expect(await shop.post(order({ minor: 10_000, placedAt: new Date('2026-10-30T12:00:00Z') }))).toBe(200);
  const watcher = await openDashboard();
  await watcher.page.goto('/?from=2026-10-30&to=2026-10-30');
  await watcher.expectLive();
  await watcher.mark();
  await expect(watcher.figure('range-revenue')).toHaveText('£100.00');

  const dashboard = await openDashboard();
  await dashboard.open();
  await dashboard.page.getByRole('banner').getByRole('link', { name: 'Settings' }).click();
  const page = dashboard.page;
  await page.getByLabel('Reporting currency').selectOption('EUR');
  await page.getByLabel('First day of the week').selectOption('Sunday');
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(page.getByRole('status')).toContainText('The settings are saved.');
  await expect(page.getByLabel('First day of the week')).toHaveValue('7');
  // It goes on by itself, without the page: the other one is live.
  await expect(watcher.figure('range-revenue')).toHaveText(/^€1\d\d\.\d\d$/);
  await watcher.expectNotReloaded();
  await page.goto('/settings');
  await expect(page.getByLabel('Reporting currency')).toHaveValue('EUR');
  await page.getByRole('link', { name: 'Dashboard' }).click();
  await dashboard.expectLive();
  await expect(dashboard.page.getByText('Revenue is the total: ', { exact: false })).toContainText('in EUR at the recorded rate');
});
