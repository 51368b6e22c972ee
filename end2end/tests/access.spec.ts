import AxeBuilder from '@axe-core/playwright';
import { Page } from '@playwright/test';

import { SignInPage } from '../support/pages';
import { daysAgo, order, pounds, refund, newId } from '../support/shopify';
import { expect, test } from '../support/test';

test.use({ serverFor: 'access' });

const WCAG = ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa'];
const PHONE = { width: 390, height: 844 };
const DESK = { width: 1440, height: 900 };

/** Something to look at: orders, a refund, figures up and down. */
test.beforeAll(async ({ shop }) => {
  const id = newId();
  const bodies = [order({ minor: 104_567, id }), order({ minor: 12_050, placedAt: daysAgo(1) }), order({ minor: 8_900, placedAt: daysAgo(9) }), refund(id, 1_500)];
  for (const body of bodies) expect(await shop.post(body)).toBe(200);
});

async function expectNoBarriers(page: Page): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).withTags(WCAG).analyze();
  const found = violations.flatMap(({ id, help, nodes }) => nodes.map((node) => `${id} (${help}): ${node.target.join(' ')} ${node.failureSummary}`));
  expect(found).toEqual([]);
}

for (const colorScheme of ['dark', 'light'] as const) {
  for (const viewport of [PHONE, DESK]) {
    const looks = { colorScheme, viewport, reducedMotion: 'reduce' as const };

    test.describe(`${colorScheme}, ${viewport.width} px`, () => {
      test.use({ colorScheme, viewport, contextOptions: { reducedMotion: 'reduce' } });

      test('axe finds nothing on the sign-in page', async ({ page }) => {
        await new SignInPage(page).open();
        await expectNoBarriers(page);
      });

      test('axe finds nothing on the dashboard', async ({ openDashboard }) => {
        const dashboard = await openDashboard(looks);
        await dashboard.open();
        await dashboard.expectChartDrawn();
        await expectNoBarriers(dashboard.page);
        await dashboard.page.getByText('Show as table').first().click();
        await dashboard.page.locator('summary').filter({ hasText: 'Compared with' }).click();
        await expect(dashboard.page.getByRole('link', { name: 'Whole period before' })).toBeVisible();
        await expectNoBarriers(dashboard.page);
        await dashboard.page.keyboard.press('Escape');
        await dashboard.page.keyboard.press('?');
        await expect(dashboard.help).toBeVisible();
        await expectNoBarriers(dashboard.page);
      });
    });
  }
}

test('the sign-in page as a screen reader has it', async ({ page }) => {
  const signIn = new SignInPage(page);
  await signIn.open();
  await expect(signIn.main).toMatchAriaSnapshot(`
    - main:
      - paragraph: Takings
      - heading "Sign in" [level=1]
      - text: Name
      - textbox "Name"
      - text: Password
      - textbox "Password"
      - alert
      - button "Sign in"
  `);
});

test('the hero as a screen reader has it', async ({ openDashboard }) => {
  const dashboard = await openDashboard();
  await dashboard.open();
  await expect(dashboard.hero).toMatchAriaSnapshot(`
    - region "Today":
      - heading "Today" [level=1]
      - paragraph:
        - text: to
        - time: /\\d\\d:\\d\\d:\\d\\d (GMT|BST)/
      - heading "Revenue" [level=2]
      - paragraph:
        - link /£[\\d,]+\\.\\d\\d/
      - paragraph:
        - text: /(up|down|new|unchanged|no change)/
        - link /£[\\d,]+\\.\\d\\d/
        - text: yesterday by then
      - heading "Orders" [level=2]
      - paragraph:
        - link /^[\\d,]+$/
      - paragraph:
        - text: /(up|down|new|unchanged|no change)/
        - link /^[\\d,]+$/
        - text: yesterday by then
      - heading "Yesterday, whole day" [level=2]
      - paragraph:
        - link "£120.50"
      - paragraph:
        - link "1"
        - text: order
      - paragraph: /^\\w{3} \\d+ \\w{3}( \\d{4})? 00:00–\\d\\d:\\d\\d (GMT|BST) compared with \\w{3} \\d+ \\w{3}( \\d{4})? 00:00–\\d\\d:\\d\\d (GMT|BST)$/
  `);
});

test('L switches live off and on', async ({ openDashboard, shop, told }) => {
  const dashboard = await openDashboard();
  await dashboard.open();
  // A page that is open stays as it is; who opens one from then on finds it off, which told.spec.ts shows.
  const another = await openDashboard();
  await another.open();
  await expect(dashboard.badge).toHaveAttribute('aria-pressed', 'true');
  await dashboard.page.keyboard.press('l');
  await expect(dashboard.status).toHaveText('Updates: live off');
  await expect(dashboard.badge).toHaveAttribute('aria-pressed', 'false');

  // What another page sees, this one does not until it is switched on.
  const before = (await told()).today.revenue;
  const revenue = before + 333;
  expect(await shop.post(order({ minor: 333 }))).toBe(200);
  await expect(another.figure('today-revenue')).toHaveText(pounds(revenue));
  await expect(dashboard.status).toHaveText('Updates: live off');
  await expect(dashboard.figure('today-revenue')).toHaveText(pounds(before));
  await dashboard.page.keyboard.press('l');
  await dashboard.expectLive();
  await expect(dashboard.badge).toHaveAttribute('aria-pressed', 'true');
  await expect(dashboard.figure('today-revenue')).toHaveText(pounds(revenue));
});

test('T switches between dark and light, and it lasts', async ({ openDashboard }) => {
  const dashboard = await openDashboard({ colorScheme: 'dark' });
  await dashboard.open();
  const root = dashboard.page.locator('html');
  await expect(root).toHaveCSS('background-color', 'rgb(11, 16, 32)');
  await dashboard.page.keyboard.press('t');
  await expect(root).toHaveCSS('background-color', 'rgb(247, 248, 251)');
  await dashboard.open();
  await expect(root).toHaveAttribute('data-theme', 'light');
  await dashboard.page.keyboard.press('t');
  await expect(root).toHaveCSS('background-color', 'rgb(11, 16, 32)');
});

test('? opens the list of keys, Escape closes it and gives the focus back', async ({ openDashboard }) => {
  const dashboard = await openDashboard();
  await dashboard.open();
  await dashboard.signOut.focus();
  await dashboard.page.keyboard.press('?');
  await expect(dashboard.help).toBeVisible();
  const close = dashboard.help.getByRole('button', { name: 'Close' });
  await expect(close).toBeFocused();
  await dashboard.page.keyboard.press('Tab');
  // The browser may take the focus to its own bar, never to the page behind.
  const behind = () => document.activeElement !== document.body && !document.activeElement?.closest('dialog');
  expect(await dashboard.page.evaluate(behind), 'the focus leaves the page behind alone').toBe(false);
  await dashboard.page.keyboard.press('Escape');
  await expect(dashboard.help).toHaveCount(0);
  await expect(dashboard.signOut).toBeFocused();
});

test('the arrow keys say each point of the chart', async ({ openDashboard }) => {
  const dashboard = await openDashboard();
  await dashboard.open();
  const date = '\\d{1,2} [A-Z][a-z]{2}';
  const amount = '\u2212?£[\\d,]+\\.\\d\\d';
  // What a day is marked with, a milestone or a note, is said after it.
  const point = new RegExp(`^${date}: ${amount}, same point before \\(${date}\\): ${amount}(\\. .+)?$`);
  const said = dashboard.page.getByRole('region', { name: 'Revenue', exact: true }).locator('[aria-live]');
  const hero = await dashboard.settled('today-revenue');

  await dashboard.chart.focus();
  await dashboard.page.keyboard.press('ArrowLeft');
  await expect(said).toHaveText(point);
  await expect(said).toContainText(`: ${hero}, same point before`);
  await dashboard.page.keyboard.press('ArrowLeft');
  await expect(said).toContainText(': £120.50, same point before');
  await dashboard.page.keyboard.press('Home');
  await expect(said).toHaveText(point);
  await expect(said).not.toContainText(': £120.50, same point before');
  await dashboard.page.keyboard.press('End');
  await expect(said).toContainText(`: ${hero}, same point before`);
});

test('with reduced motion a figure jumps', async ({ openDashboard, shop, told }) => {
  const dashboard = await openDashboard({ reducedMotion: 'reduce' });
  await dashboard.open();
  const revenue = (await told()).today.revenue;
  await expect(dashboard.figure('today-revenue')).toHaveText(pounds(revenue));
  await dashboard.figure('today-revenue').evaluate((element) => {
    const texts: string[] = [];
    Object.assign(window, { texts });
    new MutationObserver(() => texts.push(element.textContent ?? '')).observe(element, { subtree: true, childList: true, characterData: true });
  });
  expect(await shop.post(order({ minor: 50_000 }))).toBe(200);
  await expect(dashboard.figure('today-revenue')).toHaveText(pounds(revenue + 50_000));
  const texts = await dashboard.page.evaluate(() => (window as unknown as { texts: string[] }).texts);
  expect([...new Set(texts)]).toEqual([pounds(revenue + 50_000)]);
});
