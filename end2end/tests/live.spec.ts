import { Dashboard } from '../support/pages';
import { daysAgo, newId, order, pounds, refund } from '../support/shopify';
import { expect, test } from '../support/test';

test.use({ serverFor: 'live' });

test('an order changes the page of everyone who watches', async ({ openDashboard, shop, told }) => {
  const before = await told();
  const watchers = [await openDashboard(), await openDashboard()];
  for (const dashboard of watchers) {
    await dashboard.open();
    await dashboard.mark();
    await expect(dashboard.figure('today-revenue')).toHaveText(pounds(before.today.revenue));
  }

  expect(await shop.post(order({ minor: 4_567 }))).toBe(200);

  const sees = async (dashboard: Dashboard) => {
    await expect(dashboard.toast('New order: £45.67 · CA · Shopify')).toBeVisible();
    await expect(dashboard.figure('today-revenue')).toHaveText(pounds(before.today.revenue + 4_567));
    await expect(dashboard.figure('today-orders')).toHaveText(String(before.today.orders + 1));
    await expect(dashboard.tickerRow('£45.67 · CA · Shopify')).toHaveCount(1);
    await dashboard.expectNotReloaded();
  };
  await Promise.all(watchers.map(sees));
  await expect(watchers[0].toasts).toHaveAttribute('aria-live', 'polite');
});

test('an order that is delivered again counts once', async ({ openDashboard, shop, told }) => {
  const before = (await told()).today;
  const dashboard = await openDashboard();
  await dashboard.open();

  const id = newId();
  const placedAt = new Date();
  const first = order({ minor: 1_250, id, placedAt });
  expect(await shop.post(first)).toBe(200);
  await expect(dashboard.figure('today-revenue')).toHaveText(pounds(before.revenue + 1_250));
  // The same delivery; then the same order in deliveries of their own.
  expect(await shop.post(first)).toBe(200);
  expect(await shop.post(order({ minor: 1_250, id, placedAt }))).toBe(200);
  expect(await shop.post(order({ minor: 1_250, id, placedAt }, 'orders/updated'))).toBe(200);
  expect(await Promise.all([first, first, first].map((again) => shop.post(again)))).toEqual([200, 200, 200]);

  // An order after them shows that they have been dealt with.
  expect(await shop.post(order({ minor: 99 }))).toBe(200);
  await expect(dashboard.figure('today-revenue')).toHaveText(pounds(before.revenue + 1_250 + 99));
  await expect(dashboard.figure('today-orders')).toHaveText(String(before.orders + 2));
  await expect(dashboard.tickerRow('£12.50 · CA · Shopify')).toHaveCount(1);
  expect(await told()).toMatchObject({ today: { orders: before.orders + 2, revenue: before.revenue + 1_250 + 99 } });
});

test("a refund lowers today and not the order's day", async ({ openDashboard, shop, told }) => {
  const before = await told();
  const dashboard = await openDashboard();
  await dashboard.open();

  const id = newId();
  expect(await shop.post(order({ minor: 20_000, id, placedAt: daysAgo(1) }))).toBe(200);
  await expect(dashboard.figure('yesterday-revenue')).toHaveText(pounds(before.yesterday.revenue + 20_000));
  await expect(dashboard.figure('yesterday-orders')).toHaveText(String(before.yesterday.orders + 1));
  await expect(dashboard.figure('today-revenue')).toHaveText(pounds(before.today.revenue));

  const paidBack = refund(id, 3_021);
  expect(await shop.post(paidBack)).toBe(200);
  expect(await shop.post(paidBack)).toBe(200);
  await expect(dashboard.toast('Refund: \u2212£30.21 · CA · Shopify')).toBeVisible();
  await expect(dashboard.figure('today-revenue')).toHaveText(pounds(before.today.revenue - 3_021));
  await expect(dashboard.figure('yesterday-revenue')).toHaveText(pounds(before.yesterday.revenue + 20_000));
  await expect(dashboard.figure('yesterday')).toHaveText(pounds(before.yesterday.revenue + 20_000));
  expect(await told()).toEqual({
    today: expect.objectContaining({ orders: before.today.orders, revenue: before.today.revenue - 3_021 }),
    yesterday: expect.objectContaining({ orders: before.yesterday.orders + 1, revenue: before.yesterday.revenue + 20_000 }),
  });
});

test('a delivery with a wrong signature is refused and changes nothing', async ({ openDashboard, shop, told }) => {
  const before = (await told()).today;
  const dashboard = await openDashboard();
  await dashboard.open();

  const forged = order({ minor: 777_700 });
  expect(await shop.post(forged, 'not the secret')).toBe(401);
  const changed = { ...forged, body: Buffer.from(forged.body.toString().replace('7777.00', '9777.00')) };
  expect(await shop.post(changed, 'not the secret')).toBe(401);

  expect(await shop.post(order({ minor: 101 }))).toBe(200);
  await expect(dashboard.figure('today-revenue')).toHaveText(pounds(before.revenue + 101));
  await expect(dashboard.figure('today-orders')).toHaveText(String(before.orders + 1));
  await expect(dashboard.tickerRow('777')).toHaveCount(0);
});

test('many orders at once are one toast and exact figures', async ({ openDashboard, shop, told }) => {
  const before = (await told()).today;
  const dashboard = await openDashboard();
  await dashboard.open();
  const totals = Array.from({ length: 60 }, (_, i) => 500 + i);
  const answers = await Promise.all(totals.map((minor) => shop.post(order({ minor }))));
  expect(new Set(answers)).toEqual(new Set([200]));
  const sum = totals.reduce((a, b) => a + b);
  await expect(dashboard.toasts.getByText(/^\d+ new orders, the last: /).last()).toBeVisible();
  await expect(dashboard.figure('today-revenue')).toHaveText(pounds(before.revenue + sum));
  await expect(dashboard.figure('today-orders')).toHaveText(String(before.orders + totals.length));
});

test('where no socket gets through the page asks by HTTP and is live all the same', async ({ openDashboard, shop, told }) => {
  const before = (await told()).today;
  const dashboard = await openDashboard();
  await dashboard.page.routeWebSocket(/\/ws\?/, (socket) => void socket.close());
  await dashboard.open();
  await dashboard.mark();
  await dashboard.expectLive();

  expect(await shop.post(order({ minor: 6_543 }))).toBe(200);
  await expect(dashboard.toast('New order: £65.43 · CA · Shopify')).toBeVisible();
  await expect(dashboard.figure('today-revenue')).toHaveText(pounds(before.revenue + 6_543));
  await expect(dashboard.figure('today-orders')).toHaveText(String(before.orders + 1));
  await dashboard.expectNotReloaded();
});

test('what one reads stays where it is: focus, selection and scroll outlive an order', async ({ openDashboard, shop, told }) => {
  const before = (await told()).today;
  const dashboard = await openDashboard();
  const { page } = dashboard;
  expect(await shop.post(order({ minor: 1_000, country: 'FR' }))).toBe(200);
  await dashboard.open();
  await dashboard.mark();
  // A figure of a table has the focus, words above it are selected.
  const figure = dashboard.row('Countries', 'France').getByRole('link').nth(1);
  await figure.focus();
  const words = await page.evaluate(() => {
    const heading = document.getElementById('platforms-title') as HTMLElement;
    getSelection()?.selectAllChildren(heading);
    document.activeElement?.setAttribute('data-kept', 'yes');
    return getSelection()?.toString();
  });
  const scrolled = await page.evaluate(() => scrollY);
  expect(scrolled).toBeGreaterThan(0);

  expect(await shop.post(order({ minor: 2_000, country: 'FR' }))).toBe(200);
  await expect(dashboard.figure('today-orders')).toHaveText(String(before.orders + 2));
  await expect(dashboard.row('Countries', 'France')).toContainText('£30.00');
  const after = await page.evaluate(() => ({
    focused: document.activeElement?.getAttribute('data-kept'),
    selected: getSelection()?.toString(),
    scrolled: scrollY,
  }));
  expect(after).toEqual({ focused: 'yes', selected: words, scrolled });
  await dashboard.expectNotReloaded();
});
