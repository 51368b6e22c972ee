// Visitors: what the script counts in a shop's page, and a page of figures that follows while it is looked at.

import AxeBuilder from '@axe-core/playwright';

import { expect, test } from '../support/test';
import { BROWSER, ShopSite, VisitorsPage, visitorsTold } from '../support/visitors';

test.use({ serverFor: 'visitors' });

/** The page looks again every ten seconds, and what was sent is counted within another. */
const FOLLOWS = { timeout: 25_000 };

let shop: ShopSite;
test.beforeAll(async ({ server }) => {
  shop = new ShopSite(server.url);
  await shop.open();
});
test.afterAll(async () => shop.close());

test('a visitor of the shop appears on the page, which stays as it is otherwise', async ({ browser, openDashboard, server, token, watch }) => {
  const watcher = await openDashboard();
  const visitors = new VisitorsPage(watcher.page);
  await visitors.open();
  await expect(watcher.page.getByText('Nobody has been counted yet')).toBeVisible();
  await expect(visitors.install).toContainText(`<script defer src="${server.url}/v.js"></script>`);
  await visitors.expectChartsDrawn();
  await watcher.mark();
  const canvas = await visitors.hours.locator('canvas').elementHandle();

  const context = await browser.newContext({ userAgent: BROWSER });
  const page = await context.newPage();
  watch.follow(page);
  const sent: string[] = [];
  page.on('request', (request) => request.url() === `${server.url}/v` && sent.push((request.postDataJSON() as { p: string }).p));
  await page.goto(`${shop.url}/?from=advertisement`);
  await expect.poll(() => sent).toEqual(['/']);
  await page.evaluate(() => history.pushState(null, '', '/books'));
  await page.evaluate(() => history.pushState(null, '', '/books?size=2'));
  await page.evaluate(() => history.replaceState(null, '', '/books?size=3'));
  await page.evaluate(() => history.replaceState(null, '', '/basket'));
  await page.evaluate(() => history.back());
  await page.waitForURL(/\/books$/);
  await expect.poll(() => sent).toEqual(['/', '/books', '/basket', '/books']);
  expect(await context.cookies()).toEqual([]);
  expect(await page.evaluate(() => localStorage.length + sessionStorage.length)).toBe(0);

  await expect(visitors.now).toContainText('1 in the last 5 minutes', FOLLOWS);
  await expect(visitors.today).toContainText('4 page views today', FOLLOWS);
  await expect(visitors.row('Pages', '/books')).toContainText('2');
  await watcher.expectNotReloaded();
  // The chart went on in its place.
  expect(await canvas?.evaluate((element) => element.isConnected)).toBe(true);
  await visitors.hours.getByRole('group', { name: /^Visitors\. / }).focus();
  await watcher.page.keyboard.press('End');
  await expect(visitors.hours.getByText(/: 1, Page views .*: 4$/)).toBeVisible();
  const told = await visitorsTold(server.url, token);
  expect(told.today).toMatchObject({ visitors: 1, views: 4 });
  await context.close();
});

test('a sorted table stays sorted, and what is open stays open', async ({ openDashboard, server, token, request }) => {
  const { page } = await openDashboard();
  const visitors = new VisitorsPage(page);
  await visitors.open();
  await visitors.hours.getByText('Show as table').click();
  const views = visitors.hours.getByRole('columnheader', { name: 'Page views' });
  await views.getByRole('button').click();
  // What somebody is in the midst of is left alone.
  await page.getByRole('heading', { level: 1 }).click();
  await page.evaluate(() => (document.activeElement as HTMLElement).blur());
  const before = (await visitorsTold(server.url, token)).today.views;
  await request.post(`${server.url}/v`, { data: JSON.stringify({ h: 'shop.example', p: '/offers' }), headers: { 'user-agent': BROWSER, 'content-type': 'text/plain' } });
  await expect(visitors.today).toContainText(`${before + 1} page views today`, FOLLOWS);
  await expect(views).toHaveAttribute('aria-sort', 'descending');
  await expect(views).toBeVisible();
});

test('who asks not to be tracked sends nothing', async ({ browser, server, watch }) => {
  for (const wish of ['globalPrivacyControl', 'doNotTrack']) {
    const context = await browser.newContext({ userAgent: BROWSER });
    await context.addInitScript((name) => Object.defineProperty(navigator, name, { value: name === 'doNotTrack' ? '1' : true }), wish);
    const page = await context.newPage();
    watch.follow(page);
    const sent: string[] = [];
    page.on('request', (request) => sent.push(request.url()));
    await page.goto(shop.url, { waitUntil: 'networkidle' });
    await page.evaluate(() => history.pushState(null, '', '/books'));
    expect(sent, wish).toContain(`${server.url}/v.js`);
    expect(sent, wish).not.toContain(`${server.url}/v`);
    await context.close();
  }
});

test('whatever fails in the script, the page around it goes on', async ({ browser, server }) => {
  const context = await browser.newContext({ userAgent: BROWSER });
  const errors: Error[] = [];
  const open = async (prepare: () => void) => {
    const page = await context.newPage();
    page.on('pageerror', (error) => errors.push(error));
    await page.addInitScript(prepare);
    await page.goto(shop.url, { waitUntil: 'networkidle' });
    await page.evaluate(() => history.pushState(null, '', '/books'));
    await page.close();
  };
  await open(() => Object.assign(window, { fetch: undefined }));
  await open(() => Object.defineProperty(document, 'referrer', { value: 'no address' }));
  await open(() => Object.assign(window, { URL: undefined }));
  await context.route(`${server.url}/v`, (route) => route.abort());
  await open(() => undefined);
  expect(errors).toEqual([]);
  await context.close();
});

test('without scripts a picture counts the page', async ({ browser, server, token }) => {
  const context = await browser.newContext({ userAgent: `${BROWSER} plain`, javaScriptEnabled: false });
  const page = await context.newPage();
  await page.goto(`${shop.url}/without-scripts?from=letter`);
  await expect.poll(async () => (await visitorsTold(server.url, token)).pages.map((part) => part.name), FOLLOWS).toContain('/without-scripts');
  await context.close();
});

test('an administrator names the hosts that count', async ({ openDashboard, watch }) => {
  const { page } = await openDashboard();
  const visitors = new VisitorsPage(page);
  await visitors.open();
  await visitors.install.getByText('How to count').click();
  watch.expects(/status of 422/);
  const field = page.getByLabel('Hosts that count');
  await field.fill('shop.example/books');
  await visitors.install.getByRole('button', { name: 'Save' }).click();
  await expect(field).toHaveAccessibleDescription(/is no host/);
  await field.fill('127.0.0.1, shop.example');
  await visitors.install.getByRole('button', { name: 'Save' }).click();
  await expect(page.getByText('The hosts are saved.')).toBeVisible();
  await visitors.install.getByText('How to count').click();
  await expect(field).toHaveValue('127.0.0.1 shop.example');
});

for (const colorScheme of ['dark', 'light'] as const) {
  for (const width of [390, 1024, 1440]) {
    test(`axe finds nothing on visitors, ${colorScheme}, ${width} px`, async ({ openDashboard }) => {
      const { page } = await openDashboard({ colorScheme, viewport: { width, height: 900 } });
      const visitors = new VisitorsPage(page);
      await visitors.open();
      await visitors.expectChartsDrawn();
      await visitors.install.getByText('How to count').click();
      expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
      expect(await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)).toBeLessThanOrEqual(0);
      await page.screenshot({ path: test.info().outputPath('visitors.png'), fullPage: true });
    });
  }
}
