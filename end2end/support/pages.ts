// The pages as people and screen readers meet them: by role and name, and by the name of a figure.

import { Locator, Page, expect } from '@playwright/test';

/** Longer than a figure counts up. */
const SETTLED_MS = 500;
/** Coming back takes the longest pause of the back-off, and the database's start. */
const BACK_MS = 40_000;

export class SignInPage {
  readonly main: Locator;
  readonly name: Locator;
  readonly password: Locator;
  readonly submit: Locator;
  readonly problem: Locator;

  constructor(readonly page: Page) {
    this.main = page.getByRole('main');
    this.name = page.getByLabel('Name');
    this.password = page.getByLabel('Password');
    this.submit = page.getByRole('button', { name: 'Sign in' });
    this.problem = page.getByRole('alert');
  }

  async open(): Promise<void> {
    await this.page.goto('/sign-in');
    await this.expectOpen();
  }

  async expectOpen(): Promise<void> {
    await expect(this.page).toHaveURL(/\/sign-in(\?|$)/);
    await expect(this.page.getByRole('heading', { name: 'Sign in' })).toBeVisible();
  }

  async signIn(name: string, password: string): Promise<void> {
    await this.name.fill(name);
    await this.password.fill(password);
    await this.submit.click();
  }
}

export class WelcomePage {
  readonly name: Locator;
  readonly password: Locator;
  readonly begin: Locator;

  constructor(readonly page: Page) {
    this.name = page.getByLabel('Name');
    this.password = page.getByLabel(/^Password/);
    this.begin = page.getByRole('button', { name: 'Begin' });
  }
}

export type Figure =
  | 'today-revenue' | 'today-orders' | 'yesterday-point-revenue' | 'yesterday-point-orders'
  | 'yesterday-revenue' | 'yesterday-orders' | 'week-revenue' | 'month-revenue' | 'week-orders'
  | 'average' | 'thirty-days' | 'yesterday' | 'range-revenue' | 'range-orders';

export class Dashboard {
  readonly hero: Locator;
  readonly badge: Locator;
  readonly people: Locator;
  readonly status: Locator;
  readonly toasts: Locator;
  readonly ticker: Locator;
  readonly chart: Locator;
  readonly week: Locator;
  readonly weekCard: Locator;
  readonly map: Locator;
  readonly mapCard: Locator;
  readonly help: Locator;
  readonly signOut: Locator;

  constructor(readonly page: Page) {
    this.hero = page.getByRole('region', { name: 'Today', exact: true });
    this.badge = page.getByRole('button', { name: /data of/ });
    this.people = page.getByRole('group', { name: 'Here now' });
    this.status = page.getByRole('status').filter({ hasText: /^Updates: / });
    this.toasts = page.getByRole('log', { name: 'New orders' });
    this.ticker = page.getByRole('region', { name: 'Just in' });
    this.chart = page.getByRole('group', { name: /^Revenue\. / });
    this.week = page.getByRole('group', { name: /^Revenue by weekday and hour/ });
    this.weekCard = page.getByRole('region', { name: /^Revenue by weekday and hour/ }).first();
    this.map = page.getByRole('group', { name: /^Revenue by country\. / });
    this.mapCard = page.getByRole('region', { name: 'Revenue by country', exact: true });
    this.help = page.getByRole('dialog', { name: 'Keys' });
    this.signOut = page.getByRole('button', { name: 'Sign out' });
  }

  /** Opens it and waits until it is live: hydrated and connected. */
  async open(): Promise<void> {
    await this.page.goto('/');
    await this.expectLive();
  }

  async expectLive(): Promise<void> {
    await expect(this.status).toHaveText('Updates: live', { timeout: BACK_MS });
  }

  async expectNotLive(): Promise<void> {
    await expect(this.status).toHaveText(/^Updates: (stale|reconnecting)$/, { timeout: BACK_MS });
  }

  /** Chooses in one of the menus of the question. */
  async choose(menu: string, choice: string): Promise<void> {
    const bar = this.page.getByRole('navigation', { name: 'What is shown' });
    await bar.getByRole('group').filter({ hasText: menu }).first().locator('summary').click();
    await bar.getByRole('link', { name: choice, exact: true }).click();
  }

  /** A table of the page, by its title. */
  table(title: string): Locator {
    return this.page.getByRole('region', { name: title, exact: true }).getByRole('table').first();
  }

  /** A row of a table, by its first cell. */
  row(title: string, name: string): Locator {
    return this.table(title).getByRole('row').filter({ has: this.page.getByRole('rowheader', { name, exact: true }) });
  }

  /** Waits until the chart library has drawn over the server's picture. */
  async expectChartDrawn(): Promise<void> {
    await expect(this.chart).toHaveClass(/\bis-drawn\b/);
  }

  /** Where a figure stands; `expect` waits until it has counted up. */
  figure(name: Figure): Locator {
    return this.page.locator(`[data-figure="${name}"]`);
  }

  /** What a figure says when it has come to rest. */
  async settled(name: Figure): Promise<string> {
    let before: string | undefined;
    let now: string | undefined;
    const look = async () => {
      before = now;
      now = await this.figure(name).innerText();
      return before === now;
    };
    await expect.poll(look, { intervals: [0, SETTLED_MS], message: `${name} comes to rest` }).toBe(true);
    return now as string;
  }

  /** Somebody who is on the page, in the words that are said of them. */
  person(words: string): Locator {
    return this.people.getByRole('img', { name: words, exact: true });
  }

  toast(text: string): Locator {
    return this.toasts.getByText(text);
  }

  tickerRow(text: string): Locator {
    return this.ticker.getByRole('listitem').filter({ hasText: text });
  }

  /** Leaves a mark that a reload would wipe out. */
  async mark(): Promise<void> {
    await this.page.evaluate(() => ((window as unknown as { mark: string }).mark = 'the same page'));
  }

  async expectNotReloaded(): Promise<void> {
    expect(await this.page.evaluate(() => (window as unknown as { mark?: string }).mark)).toBe('the same page');
  }
}
