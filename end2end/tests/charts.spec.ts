// The week as a field of hours, the map of countries, the files of what is shown, the note on slow filters, and the keys.

import AxeBuilder from '@axe-core/playwright';
import { readFile } from 'node:fs/promises';

import { daysAgo, order, pounds } from '../support/shopify';
import { expect, test } from '../support/test';

test.use({ serverFor: 'charts' });

const LONDON = { timeZone: 'Europe/London', hourCycle: 'h23' } as const;
/** The middle of Canada on the map, as parts of its width and height. */
const CANADA = { x: 0.265, y: 0.134 };

/** The hour of the week that London's clocks show, as the page writes it. */
function hourOfWeek(at: Date): { day: string; hour: string } {
  const day = at.toLocaleDateString('en-GB', { ...LONDON, weekday: 'short' });
  const hour = at.toLocaleTimeString('en-GB', { ...LONDON, hour: '2-digit' }).slice(0, 2);
  return { day, hour: `${hour}:00` };
}

test.beforeAll(async ({ shop }) => {
  const bodies = [
    order({ minor: 20_000, placedAt: daysAgo(2) }),
    order({ minor: 5_000, placedAt: daysAgo(3), country: 'DE' }),
    order({ minor: 700, placedAt: daysAgo(4), country: 'FR' }),
  ];
  for (const body of bodies) expect(await shop.post(body)).toBe(200);
});

test('the week by weekday and hour: the keyboard says an hour, the table is sorted, an order changes it in place', async ({ openDashboard, shop }) => {
  const dashboard = await openDashboard();
  await dashboard.open();
  await dashboard.mark();
  await dashboard.week.focus();
  await dashboard.page.keyboard.press('ArrowRight');
  await expect(dashboard.weekCard.getByText(/^Mon 00:00: £[\d,.]+$/)).toBeVisible();
  await dashboard.page.keyboard.press('ArrowDown');
  await expect(dashboard.weekCard.getByText(/^Tue 00:00: £/)).toBeVisible();

  await dashboard.weekCard.getByText('Show as table').click();
  const table = dashboard.weekCard.getByRole('table');
  await table.getByRole('button', { name: 'Revenue' }).click();
  await expect(table.getByRole('columnheader', { name: 'Revenue' })).toHaveAttribute('aria-sort', 'descending');
  // The hour of the new order brings the most from then on.
  const placedAt = new Date();
  const { day, hour } = hourOfWeek(placedAt);
  expect(await shop.post(order({ minor: 3_000_000, placedAt }))).toBe(200);
  const first = table.getByRole('row').nth(1);
  await expect(first).toContainText(`${day}${hour}£30,`);
  await dashboard.expectNotReloaded();
  // A week begins with Monday, and all its hours are there.
  await dashboard.weekCard.getByRole('button', { name: 'Show all 168' }).click();
  await expect(table.getByRole('row')).toHaveCount(169);
});

test('a long range says that only its last days are in the week', async ({ openDashboard, shop }) => {
  expect(await shop.post(order({ minor: 100, placedAt: daysAgo(120) }))).toBe(200);
  const dashboard = await openDashboard();
  await dashboard.page.goto('/?range=all');
  await expect(dashboard.page.getByRole('heading', { name: 'Revenue by weekday and hour, the last 92 days of the range' })).toBeVisible();
});

test('the map comes with its place on the page; pointer and keyboard say a country and filter by it', async ({ openDashboard }) => {
  const dashboard = await openDashboard();
  const shapes: string[] = [];
  dashboard.page.on('request', (request) => {
    if (request.url().includes('/vendor/world.json')) shapes.push(request.url());
  });
  await dashboard.open();
  await dashboard.expectChartDrawn();
  expect(shapes, 'nothing of the map is in the first paint').toEqual([]);

  await dashboard.map.scrollIntoViewIfNeeded();
  await expect(dashboard.map).toHaveClass(/\bis-drawn\b/);
  expect(shapes).toHaveLength(1);
  await dashboard.map.focus();
  await dashboard.page.keyboard.press('Home');
  const said = dashboard.mapCard.getByText(/^Canada, Revenue £[\d,.]+, Orders \d+, Share \d+\.\d%$/);
  await expect(said).toBeVisible();
  await dashboard.page.keyboard.press('ArrowRight');
  await expect(dashboard.mapCard.getByText(/^Germany, Revenue £50\.00, Orders 1, /)).toBeVisible();
  await dashboard.page.keyboard.press('Enter');
  await expect(dashboard.page).toHaveURL(/\?country=DE$/);

  await dashboard.page.goBack();
  await expect(dashboard.row('Countries', 'Canada')).toBeVisible();
  const box = await dashboard.map.boundingBox();
  if (!box) throw new Error('the map has no place');
  await dashboard.map.click({ position: { x: box.width * CANADA.x, y: box.height * CANADA.y } });
  await expect(dashboard.page).toHaveURL(/\?country=CA$/);
});

test('every chart and table leads to a file of what is shown', async ({ openDashboard }) => {
  const dashboard = await openDashboard();
  await dashboard.page.goto('/?range=7d');
  await dashboard.expectLive();
  const files = ['charts/revenue', 'charts/hours', 'charts/orders', 'charts/weekdays', 'tables/with_royalties', 'tables/outlook', 'tables/goals', 'tables/notes', 'tables/periods', 'tables/countries', 'tables/platforms', 'tables/average_orders', 'tables/averages'];
  const links = await dashboard.page.locator('a[download]').evaluateAll((all) => all.map((link) => link.getAttribute('href')));
  const expected = files.flatMap((file) => ['csv', 'xlsx', 'json'].map((ending) => `/api/v1/${file}.${ending}?range=7d`));
  expect(links.sort()).toEqual(expected.sort());
  for (const link of links) expect((await dashboard.page.request.get(link as string)).status(), link as string).toBe(200);

  const revenue = await dashboard.row('Countries', 'Germany').getByRole('cell').nth(1).innerText();
  const card = dashboard.page.locator('[data-table="countries"]');
  await card.locator('summary').click();
  const [download] = await Promise.all([dashboard.page.waitForEvent('download'), card.getByRole('link', { name: 'CSV' }).click()]);
  expect(download.suggestedFilename()).toBe('countries.csv');
  const text = await readFile(await download.path(), 'utf8');
  expect(text).toContain('filter,range=7d');
  expect(text).toContain(`DE,Germany,1,${revenue.replace(/[£,]/g, '')},`);
  await expect(card.getByRole('link', { name: 'CSV' })).toBeHidden();

  // The file follows the question.
  await dashboard.choose('Range', '30 days');
  await expect(card.getByRole('link', { name: 'CSV', includeHidden: true })).toHaveAttribute('href', '/api/v1/tables/countries.csv');
});

test('a filter by two dimensions says that it takes longer', async ({ openDashboard }) => {
  const dashboard = await openDashboard();
  const note = dashboard.page.getByText(/which takes longer\.$/);
  await dashboard.page.goto('/?country=CA&status=paid');
  await expect(note).toBeVisible();
  await dashboard.page.goto('/?country=CA');
  await dashboard.expectLive();
  await expect(note).toBeHidden();
});

test('/ finds a country, X clears the filter, ? lists the keys; none of them while something is typed', async ({ openDashboard }) => {
  const dashboard = await openDashboard();
  await dashboard.open();
  await dashboard.mark();
  const { keyboard } = dashboard.page;
  const field = dashboard.page.getByRole('searchbox', { name: 'Find a country' });
  const choices = dashboard.page.locator('#country-menu').getByRole('listitem');
  await keyboard.press('/');
  await expect(field).toBeFocused();
  await expect(field).toHaveValue('');
  await expect(choices).toHaveText(['All', 'Canada', 'France', 'Germany']);
  await keyboard.type('xl?');
  await expect(field).toHaveValue('xl?');
  await expect(dashboard.help).toBeHidden();
  await expect(dashboard.status).toHaveText('Updates: live');
  await expect(choices).toHaveCount(0);
  await field.fill('ger');
  await expect(choices).toHaveText(['Germany']);
  await keyboard.press('Enter');
  await expect(dashboard.page).toHaveURL(/\?country=DE$/);
  await expect(dashboard.page.getByRole('link', { name: 'Remove Germany' })).toBeVisible();
  await expect(field).toBeHidden();

  // With a filter the menu offers the other countries too.
  await keyboard.press('/');
  await expect(choices).toHaveText(['All', 'Canada', 'France', 'Germany']);
  await keyboard.press('Escape');
  await expect(field).toBeHidden();
  await keyboard.press('x');
  await expect(dashboard.page).toHaveURL(/\/$/);
  await expect(dashboard.page.getByRole('link', { name: 'Remove Germany' })).toBeHidden();
  await dashboard.expectNotReloaded();

  await keyboard.press('?');
  await expect(dashboard.help).toContainText('find a country');
  await expect(dashboard.help).toContainText('no filter');
});

for (const colorScheme of ['dark', 'light'] as const) {
  for (const viewport of [{ width: 390, height: 844 }, { width: 1440, height: 900 }]) {
    test(`axe finds nothing on the map, the week and their menus: ${colorScheme}, ${viewport.width} px`, async ({ openDashboard }) => {
      const dashboard = await openDashboard({ colorScheme, viewport, reducedMotion: 'reduce' });
      await dashboard.open();
      await dashboard.map.scrollIntoViewIfNeeded();
      await expect(dashboard.map).toHaveClass(/\bis-drawn\b/);
      await dashboard.weekCard.getByText('Show as table').click();
      await dashboard.page.keyboard.press('/');
      // At the top no target lies half below the bar.
      const barriers = async () => {
        await dashboard.page.evaluate(() => window.scrollTo(0, 0));
        return (await new AxeBuilder({ page: dashboard.page }).withTags(['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa']).analyze()).violations;
      };
      expect(await barriers()).toEqual([]);
      await dashboard.page.keyboard.press('Escape');
      await dashboard.weekCard.locator('summary').first().click();
      await expect(dashboard.weekCard.getByRole('link', { name: 'Excel' })).toBeVisible();
      expect(await barriers()).toEqual([]);
    });
  }
}
