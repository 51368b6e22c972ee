import { Dashboard } from '../support/pages';
import { Rush, order, pounds } from '../support/shopify';
import { Counted, Watch, expect, test } from '../support/test';

test.use({ serverFor: 'faults' });
// Each waits for a server that starts again, up to the page's longest pause.
test.setTimeout(180_000);

/** What the browser reports by itself while nobody answers on the port. */
function expectServerAway(watch: Watch): void {
  watch.expects(/WebSocket connection to 'ws:\/\/127\.0\.0\.1:\d+\/ws\?[^']*' failed/);
  // It asks by HTTP then.
  watch.expects(/console error: Failed to load resource: net::ERR_\w+ \(http:\S+\/live\?/);
  watch.expects(/request failed: \S+\/live\?\S* net::ERR_/);
}

/** The page, the API and the ledger all say what was sent: none lost, none doubled. */
async function expectExactly(dashboard: Dashboard, told: () => Promise<{ today: Counted }>, before: Counted, sent: Counted): Promise<void> {
  const orders = before.orders + sent.orders;
  const revenue = before.revenue + sent.revenue;
  await expect(dashboard.figure('today-orders')).toHaveText(orders.toLocaleString('en-GB'), { timeout: 20_000 });
  await expect(dashboard.figure('today-revenue')).toHaveText(pounds(revenue));
  expect(await told()).toMatchObject({ today: { orders, revenue } });
}

test('PostgreSQL is killed while orders arrive: the badge tells it, nothing is lost or doubled', async ({ openDashboard, server, shop, told }) => {
  const before = (await told()).today;
  const dashboard = await openDashboard();
  await dashboard.open();
  await dashboard.mark();
  const rush = new Rush(shop);
  const arrived = (count: number) =>
    expect
      .poll(async () => Number((await dashboard.figure('today-orders').innerText()).replace(',', '')), { timeout: 30_000 })
      .toBeGreaterThan(before.orders + count);
  await arrived(10);

  const giveBack = await server.takePostgresAway();
  await dashboard.expectNotLive();
  await expect(dashboard.page.getByRole('main')).toHaveClass(/is-stale/);
  const away = rush.orders;
  await expect.poll(() => rush.orders, { message: 'orders keep being sent meanwhile' }).toBeGreaterThan(away + 10);
  giveBack();

  await dashboard.expectLive();
  await expect(dashboard.page.getByRole('main')).not.toHaveClass(/is-stale/);
  const back = rush.orders;
  await arrived(back);
  await rush.end();
  await expectExactly(dashboard, told, before, { orders: rush.orders, revenue: rush.minor });
  await dashboard.expectNotReloaded();
  expect(await server.cli('check-sums')).toBe('The sums equal the ledger.');
});

test('PostgreSQL is killed again and again and comes back at once', async ({ openDashboard, server, shop, told }) => {
  const before = (await told()).today;
  const dashboard = await openDashboard();
  await dashboard.open();
  await dashboard.mark();
  const rush = new Rush(shop);
  for (const round of [1, 2, 3]) {
    await expect.poll(() => rush.orders).toBeGreaterThan(round * 15);
    await server.killPostgres();
    // It answers again: an order goes the whole way.
    await shop.deliver(order({ minor: 0 }));
  }
  await rush.end();
  await dashboard.expectLive();
  await expectExactly(dashboard, told, before, { orders: rush.orders + 3, revenue: rush.minor });
  await dashboard.expectNotReloaded();
  expect(await server.cli('check-sums')).toBe('The sums equal the ledger.');
});

test('the server is stopped and started again: the page resumes by itself', async ({ openDashboard, server, shop, told, watch }) => {
  expectServerAway(watch);
  const before = (await told()).today;
  const dashboard = await openDashboard();
  await dashboard.open();
  await dashboard.mark();

  await server.stop();
  await dashboard.expectNotLive();
  const meanwhile = [2_101, 3_203, 4_307].map((minor) => shop.deliver(order({ minor })));
  await expect.poll(() => shop.refused, 'the orders are sent while nobody is there').toBeGreaterThanOrEqual(3);
  await server.start();
  await Promise.all(meanwhile);

  await dashboard.expectLive();
  await expect(dashboard.tickerRow('£43.07')).toHaveCount(1);
  await expectExactly(dashboard, told, before, { orders: 3, revenue: 2_101 + 3_203 + 4_307 });
  await dashboard.expectNotReloaded();
});

test('the server crashes and is started again: it takes over the database, the page resumes', async ({ openDashboard, server, shop, told, watch }) => {
  expectServerAway(watch);
  const before = (await told()).today;
  const dashboard = await openDashboard();
  await dashboard.open();
  await dashboard.mark();
  const rush = new Rush(shop);
  await expect.poll(() => rush.orders).toBeGreaterThan(10);

  await server.kill();
  await dashboard.expectNotLive();
  await server.start();

  await dashboard.expectLive();
  await rush.end();
  expect(rush.retried).toBeGreaterThan(0);
  await expectExactly(dashboard, told, before, { orders: rush.orders, revenue: rush.minor });
  await dashboard.expectNotReloaded();
  expect(await server.cli('check-sums')).toBe('The sums equal the ledger.');
});
