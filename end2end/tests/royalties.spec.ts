// The page of royalties: figures, charts that are read, tables that are sorted, and the way from a figure to its row; and how it
// follows imports.

import AxeBuilder from '@axe-core/playwright';

import { COUNTRIES, ImportsPage, MONTHLY, RoyaltiesPage, WEEKLY, file, post } from '../support/royalties';
import { expect, test } from '../support/test';

test.use({ serverFor: 'royalties' });

test.beforeAll(async ({ server, token }) => {
  for (const sent of [MONTHLY, WEEKLY, COUNTRIES]) await post(server.url, token, sent);
});

test('the figures of 2025, in dollars and in pounds, with where they are from', async ({ openDashboard }) => {
  const { page } = await openDashboard();
  const royalties = new RoyaltiesPage(page);
  await royalties.open();
  await expect(page.getByRole('region', { name: 'The rate now' })).toContainText('$0.01034');
  await expect(page.getByRole('region', { name: 'The rate now' })).toContainText('$0.00841 to $0.01504 a minute');
  const last = royalties.row('By quarter', 'Q4 2025');
  await expect(last).toContainText('$9,249.00');
  await expect(last).toContainText('894,829');
  await expect(last).toContainText(/£\d,\d{3}\.\d{2}/);
  await expect(last).toContainText('▼');
  await expect(royalties.row('Minutes by country and week', 'United Kingdom')).toContainText('34,000');

  await royalties.row('Monthly statements', 'October 2025').getByRole('link', { name: 'import 1, line 11' }).click();
  await expect(page.getByRole('heading', { name: 'monthly.csv' })).toBeVisible();
  await expect(page.locator('tr[aria-current]')).toContainText('October 2025');
  await page.goBack();
  await last.getByRole('link', { name: '$9,249.00' }).click();
  await expect(page.getByRole('heading', { name: 'Q4 2025' })).toBeVisible();
  await page.getByRole('link', { name: '410,000' }).click();
  await expect(page.getByRole('heading', { name: 'October 2025' })).toBeVisible();
  await expect(page.getByRole('table')).toContainText('monthly.csv');
  expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
});

test('charts are drawn and read by the keyboard; headings sort', async ({ openDashboard }) => {
  const { page } = await openDashboard();
  const royalties = new RoyaltiesPage(page);
  await royalties.open();
  await royalties.expectChartsDrawn();
  await royalties.pool.focus();
  await page.keyboard.press('Home');
  for (let i = 0; i < 4; i++) await page.keyboard.press('ArrowRight');
  await expect(page.getByText(/^Q4 2025: \$9,249\.00/)).toBeVisible();

  const table = royalties.table('By quarter');
  const names = () => table.getByRole('rowheader').allInnerTexts();
  const first = await names();
  const minutes = table.getByRole('columnheader', { name: 'Minutes' });
  await minutes.getByRole('button').press('Enter');
  await expect(minutes).toHaveAttribute('aria-sort', 'descending');
  expect((await names())[0]).toBe('Q3 2025');
  await minutes.getByRole('button').click();
  await minutes.getByRole('button').click();
  await expect(minutes).toHaveAttribute('aria-sort', 'none');
  expect(await names()).toEqual(first);

  // Totals stay last, whatever is sorted.
  const countries = royalties.table('Minutes by country and week');
  await countries.getByRole('columnheader', { name: 'Country' }).getByRole('button').click();
  expect((await countries.getByRole('rowheader').allInnerTexts()).at(-1)).toBe('All of these');
});

test("the dashboard's total takes royalties in by a switch, and says what of it is estimate", async ({ openDashboard }) => {
  const dashboard = await openDashboard();
  const { page } = dashboard;
  await page.goto('/?from=2025-10-01&to=2025-12-31');
  const total = page.locator('[data-figure="range-total"]');
  await expect(total).toBeHidden();
  await dashboard.expectLive();
  await dashboard.choose('Royalties', 'Added to totals');
  await expect(page).toHaveURL(/royalties=with/);
  await expect(total).toHaveText(/^\s*£\d,\d{3}\.\d{2}\s*$/);
  await expect(page.getByText(/of sales \+ £[\d,.]+ of royalties received\./)).toBeVisible();
  const table = page.locator('[data-table="with_royalties"]');
  await expect(table.getByRole('row', { name: /The range in question/ })).toContainText((await total.innerText()).trim());
  await page.getByRole('link', { name: 'Remove with royalties' }).click();
  await expect(table).toBeHidden();
  await expect(total).toBeHidden();
});

test('what if a minute were worth more', async ({ openDashboard, watch }) => {
  const { page } = await openDashboard();
  const royalties = new RoyaltiesPage(page);
  await royalties.open();
  watch.expects(/status of 422/);
  await page.getByLabel('Dollars a minute').fill('much');
  await page.getByRole('button', { name: 'Show the quarter at this rate' }).click();
  await expect(page.getByLabel('Dollars a minute')).toHaveAccessibleDescription(/Give dollars a minute as a decimal/);
  await page.getByLabel('Dollars a minute').fill('0.02');
  await page.getByRole('button', { name: 'Show the quarter at this rate' }).click();
  await expect(royalties.row('What the quarter brings by rate', 'what you asked for')).toContainText('0.02000');
});

test('an open page follows what others import and take back', async ({ openDashboard, server, token }) => {
  const watcher = await openDashboard();
  const royalties = new RoyaltiesPage(watcher.page);
  await royalties.open();
  await watcher.mark();
  const weeks = royalties.table('The last 12 weeks');
  await expect(weeks.getByRole('rowheader').first()).toHaveText('2025-12-29');
  await post(server.url, token, file('next.csv', 'report_week_start,report_week_end,total_minutes\n2026-01-05,2026-01-11,77777\n'));
  await expect(weeks.getByRole('rowheader').first()).toHaveText('2026-01-05');
  await expect(royalties.said).toHaveText('An import has changed these figures; they are up to date.');
  await royalties.expectChartsDrawn();

  // A part that somebody works in stays as it is, and the page says so.
  await weeks.getByRole('columnheader', { name: 'Minutes' }).getByRole('button').focus();
  const { page } = await openDashboard();
  const imports = new ImportsPage(page);
  await imports.open();
  await imports.history.getByRole('listitem').filter({ hasText: 'next.csv' }).getByRole('button').click();
  await expect(royalties.said).toContainText('Some of the new ones are not shown yet.');
  await expect(weeks.getByRole('rowheader').first()).toHaveText('2026-01-05');
  await watcher.expectNotReloaded();
  await watcher.page.getByRole('link', { name: 'Show them' }).click();
  await expect(weeks.getByRole('rowheader').first()).toHaveText('2025-12-29');
});

test('files are dropped anywhere on the page', async ({ openDashboard }) => {
  const { page } = await openDashboard();
  await new RoyaltiesPage(page).open();
  const imports = new ImportsPage(page);
  await imports.drop(file('title.csv', 'month,title,minutes,revenue\n2025-10,Emma,10,5.00\n'));
  await imports.expectPreview();
  await expect(imports.looked('title.csv').first()).toContainText('1 new, 0 changed, 0 same, 0 rejected');
});

for (const colorScheme of ['dark', 'light'] as const) {
  for (const width of [390, 1024, 1440]) {
    test(`axe finds nothing on royalties, ${colorScheme}, ${width} px`, async ({ openDashboard }) => {
      const { page } = await openDashboard({ colorScheme, viewport: { width, height: 900 } });
      const royalties = new RoyaltiesPage(page);
      await royalties.open();
      await royalties.expectChartsDrawn();
      expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
      expect(await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)).toBeLessThanOrEqual(0);
    });
  }
}

test('on a phone a wide table scrolls inside, and its first column stays', async ({ openDashboard }) => {
  const { page } = await openDashboard({ viewport: { width: 390, height: 844 } });
  const royalties = new RoyaltiesPage(page);
  await royalties.open();
  const region = page.getByRole('group', { name: 'By quarter', exact: true });
  const name = royalties.row('By quarter', 'Q4 2025').getByRole('rowheader');
  const before = await name.boundingBox();
  await region.evaluate((element) => element.scrollBy(300, 0));
  expect(await region.evaluate((element) => element.scrollLeft)).toBeGreaterThan(200);
  expect((await name.boundingBox())?.x).toBe(before?.x);
});
