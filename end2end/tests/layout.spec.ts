import { Page } from '@playwright/test';

import { SignInPage } from '../support/pages';
import { daysAgo, order, pounds } from '../support/shopify';
import { expect, test } from '../support/test';

test.use({ serverFor: 'layout' });

const WIDTHS = [390, 1024, 1440, 2560];
/** Below this nobody sees a shift; a good page has at most 0.1. */
const SHIFT_MAX = 0.02;

/** Figures as wide as they get. */
test.beforeAll(async ({ shop }) => {
  for (const body of [order({ minor: 123_456_789 }), order({ minor: 98_765_432, placedAt: daysAgo(1) })]) {
    expect(await shop.post(body)).toBe(200);
  }
});

async function expectNoSidewaysScrolling(page: Page): Promise<void> {
  const size = await page.evaluate(() => ({ content: document.documentElement.scrollWidth, window: document.documentElement.clientWidth }));
  expect(size.content).toBeLessThanOrEqual(size.window);
}

/** Figures whose text goes beyond their card. */
function figuresCut(page: Page): Promise<(string | null)[]> {
  return page.locator('[data-figure]').evaluateAll((figures) =>
    figures
      .filter((figure) => {
        const [card, text] = [figure.closest('.card'), document.createRange()];
        text.selectNodeContents(figure);
        return card !== null && text.getBoundingClientRect().right > card.getBoundingClientRect().right;
      })
      .map((figure) => figure.getAttribute('data-figure')),
  );
}

/** Adds up every layout shift from the first paint on. */
async function countShifts(page: Page): Promise<() => Promise<number>> {
  await page.addInitScript(() => {
    const shifts = { sum: 0 };
    Object.assign(window, { shifts });
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) shifts.sum += (entry as unknown as { value: number }).value;
    }).observe({ type: 'layout-shift', buffered: true });
  });
  return () => page.evaluate(() => (window as unknown as { shifts: { sum: number } }).shifts.sum);
}

for (const width of WIDTHS) {
  test.describe(`${width} px`, () => {
    test.use({ viewport: { width, height: 900 } });

    test('nothing scrolls sideways', async ({ page, openDashboard }) => {
      await new SignInPage(page).open();
      await expectNoSidewaysScrolling(page);
      const dashboard = await openDashboard({ viewport: { width, height: 900 } });
      await dashboard.open();
      await dashboard.expectChartDrawn();
      await expectNoSidewaysScrolling(dashboard.page);
      expect(await figuresCut(dashboard.page)).toEqual([]);
      // The dock takes some of the width, or lies above.
      await dashboard.page.keyboard.press('v');
      await expect(dashboard.page.getByRole('heading', { name: 'Voice', exact: true })).toBeVisible();
      await expectNoSidewaysScrolling(dashboard.page);
      expect(await figuresCut(dashboard.page)).toEqual([]);
    });

    test('nothing shifts while it loads and when an order comes', async ({ openDashboard, shop, told }) => {
      const dashboard = await openDashboard({ viewport: { width, height: 900 } });
      const shifted = await countShifts(dashboard.page);
      await dashboard.open();
      await dashboard.expectChartDrawn();
      expect(await shifted(), 'through the load').toBeLessThan(SHIFT_MAX);
      const revenue = (await told()).today.revenue;
      expect(await shop.post(order({ minor: 4_321 }))).toBe(200);
      await expect(dashboard.toast('New order: £43.21')).toBeVisible();
      await expect(dashboard.figure('today-revenue')).toHaveText(pounds(revenue + 4_321));
      await dashboard.settled('today-revenue');
      expect(await shifted(), 'with a live order').toBeLessThan(SHIFT_MAX);
    });
  });
}

test('at first glance, without scrolling: the hero, what just came in, the badge', async ({ openDashboard }) => {
  const dashboard = await openDashboard({ viewport: { width: 1440, height: 900 } });
  await dashboard.open();
  for (const part of [dashboard.hero, dashboard.ticker, dashboard.badge]) await expect(part).toBeInViewport({ ratio: 1 });
});

test("the figures are in the server's answer, without JavaScript", async ({ openDashboard, told, watch }) => {
  watch.expectsScriptsOff();
  const dashboard = await openDashboard({ javaScriptEnabled: false });
  await dashboard.page.goto('/');
  const { today, yesterday } = await told();
  await expect(dashboard.figure('today-revenue')).toHaveText(pounds(today.revenue));
  await expect(dashboard.figure('today-orders')).toHaveText(String(today.orders));
  await expect(dashboard.figure('yesterday-revenue')).toHaveText(pounds(yesterday.revenue));
  await expect(dashboard.tickerRow('£1,234,567.89')).toHaveCount(1);
  await expect(dashboard.hero).toBeVisible();
});

for (const [name, path] of [['the sign-in page', '/sign-in'], ['the dashboard', '/']]) {
  test(`only our own scripts may run on ${name}`, async ({ openDashboard }) => {
    const { page } = await openDashboard();
    const nonces = new Set<string>();
    for (const _ of [1, 2]) {
      const answer = await page.request.get(path, { maxRedirects: 0 });
      expect(answer.status()).toBe(200);
      const policy = answer.headers()['content-security-policy'] ?? '';
      expect(policy).toContain("default-src 'none'");
      expect(policy).not.toContain('unsafe-inline');
      expect(policy).not.toContain("'unsafe-eval'");
      const scripts = policy.split(';').find((directive) => directive.trim().startsWith('script-src')) ?? '';
      const nonce = /'nonce-([^']{16,})'/.exec(scripts)?.[1];
      expect(nonce).toBeDefined();
      nonces.add(nonce as string);
    }
    expect(nonces.size, 'each answer has a nonce of its own').toBe(2);
  });
}
