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

test('the page asks for its own address after a form, says where it stands still, and can be paused', async ({ openDashboard, watch }) => {
  const { page } = await openDashboard();
  const calls = new CallsPage(page);
  await calls.open();
  // A form that was refused has an address that cannot be asked for.
  await page.getByText('Settings', { exact: true }).last().click();
  watch.expects(/status of 422/);
  await page.getByLabel('Price of the relay').fill('cheap');
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(page).toHaveURL(/\/calls\/settings$/);
  await page.waitForResponse((answer) => new URL(answer.url()).pathname === '/calls' && answer.ok());
  await expect(calls.said).toBeEmpty();

  watch.expects(/ERR_CONNECTION_REFUSED|ERR_FAILED/);
  const away = /\/calls$/;
  await page.route(away, (route) => route.abort());
  await expect(calls.said).toHaveText('The server cannot be reached: these figures stand still.');
  await page.unroute(away);
  await expect(calls.said).toBeEmpty();

  const pause = page.getByRole('button', { name: 'Pause' });
  await expect(pause).toHaveAttribute('aria-pressed', 'false');
  await pause.click();
  await expect(pause).toHaveAttribute('aria-pressed', 'true');
  await page.route(away, (route) => route.abort());
  // Nothing is asked for, so nothing is away; then it is.
  await pause.click();
  await expect(calls.said).toHaveText(/cannot be reached/);
});

test('a room is renamed beside its name, and removed at a second step', async ({ openDashboard }) => {
  const { page } = await openDashboard();
  await new CallsPage(page).open();
  await page.getByText('All rooms', { exact: true }).click();
  await page.getByLabel('Another room').fill('Kitchen');
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  await expect(page.getByText('The room is there: every dock shows it.')).toBeVisible();
  await page.getByText('All rooms', { exact: true }).click();
  const sure = page.getByRole('button', { name: 'Remove Kitchen for good' });
  await expect(sure).toBeHidden();
  await page.getByLabel('Remove Kitchen', { exact: true }).click();
  await sure.click();
  await expect(page.getByText('The room is gone, and whoever was in it has left.')).toBeVisible();
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
