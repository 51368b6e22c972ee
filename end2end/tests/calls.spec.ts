// The page of calls: what it says with nobody in a call, its forms, and that everybody can use it.

import AxeBuilder from '@axe-core/playwright';

import { CallsPage } from '../support/calls';
import { expect, test } from '../support/test';

test.use({ serverFor: 'calls' });

test('who is asked for stands in the address, and settings say what is wrong', async ({ openDashboard, watch }) => {
  const { page } = await openDashboard();
  const calls = new CallsPage(page);
  await calls.open();
  await expect(calls.people).toContainText('Nobody is in a call');
  await page.getByLabel('Name of a person or a room').fill('ada');
  await expect(page).toHaveURL(/\/calls\?search=ada$/);
  await expect(calls.people).toContainText('Nobody in a call is as asked for');
  await calls.people.getByRole('link', { name: 'Show everybody' }).click();
  await expect(page).toHaveURL(/\/calls$/);

  await page.getByText('Settings', { exact: true }).last().click();
  const price = page.getByLabel('Price of the relay');
  watch.expects(/status of 422/);
  await price.fill('cheap');
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(price).toHaveAccessibleDescription(/amount of dollars/);
  await price.fill('0.08');
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(page.getByText('The settings are saved.')).toBeVisible();
  await expect(calls.card('Relayed')).toContainText('at $0.08 for a person and an hour');
});

for (const colorScheme of ['dark', 'light'] as const) {
  for (const width of [390, 1440]) {
    test(`axe finds nothing on calls, ${colorScheme}, ${width} px`, async ({ openDashboard }) => {
      const { page } = await openDashboard({ colorScheme, viewport: { width, height: 900 } });
      await new CallsPage(page).open();
      expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
      expect(await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)).toBeLessThanOrEqual(0);
      await page.screenshot({ path: test.info().outputPath('calls.png'), fullPage: true });
    });
  }
}
