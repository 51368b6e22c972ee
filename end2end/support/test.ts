// What every test is given: a server for its file, signed-in pages, and an eye on what the browser complains of.

import { BrowserContext, BrowserContextOptions, Page, expect, test as base } from '@playwright/test';
import { setTimeout as pause } from 'node:timers/promises';

import { Dashboard, SignInPage } from './pages';
import { PASSWORD, PERSON, TakingsServer } from './server';
import { SECRET, SHOP, Shop } from './shopify';

/** A file names its server: another name is another worker, so no two files share one. */
export interface ServerOptions {
  serverFor: string;
  /** What it is started with besides. */
  serverArgs: string[];
}

type Session = Awaited<ReturnType<BrowserContext['storageState']>>;

export interface Counted {
  orders: number;
  revenue: number;
}

/** Today and yesterday as the API tells them. */
export interface Told {
  today: Counted;
  yesterday: Counted;
}

/** Collects what the browser complains of on every page: any complaint that was not expected fails the test. */
export class Watch {
  private readonly complaints: string[] = [];
  private readonly expected: RegExp[] = [];

  follow(page: Page): void {
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') {
        this.note(`console ${message.type()}: ${message.text()} (${message.location().url})`);
      }
    });
    page.on('pageerror', (error) => this.note(`page error: ${error.stack ?? error.message}`));
    page.on('requestfailed', (request) => {
      const why = request.failure()?.errorText;
      // What was still under way when the page was left or closed is no failure.
      if (why !== 'net::ERR_ABORTED') this.note(`request failed: ${request.url()} ${why}`);
    });
  }

  /** Expects a complaint of this form from now on: for what a test brings about itself. */
  expects(complaint: RegExp): void {
    this.expected.push(complaint);
  }

  /** Expects what the browser reports of every page that it may not run scripts on. */
  expectsScriptsOff(): void {
    this.expects(/request failed: \S+\/pkg\/takings\S+\.js csp/);
  }

  private note(complaint: string): void {
    if (!this.expected.some((form) => form.test(complaint))) this.complaints.push(complaint);
  }

  check(): void {
    expect(this.complaints, 'what the browser complained of').toEqual([]);
  }
}

/** Figures of today start anew at midnight in London: a file that would meet it waits for the new day. */
async function keepClearOfMidnight(): Promise<void> {
  const clock = new Intl.DateTimeFormat('en-GB', { timeZone: 'Europe/London', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
  while (/^23:5[6-9]$/.test(clock.format(new Date()))) await pause(1_000);
}

interface TestFixtures {
  /** The eye on the browser; failed requests and console messages of all pages. */
  watch: Watch;
  /** Opens another signed-in dashboard, in a browser context of its own. */
  openDashboard: (options?: BrowserContextOptions) => Promise<Dashboard>;
  /** What the API tells of today and yesterday. */
  told: () => Promise<Told>;
}

interface WorkerFixtures extends ServerOptions {
  /** A server with one person and one Shopify shop. */
  server: TakingsServer;
  shop: Shop;
  /** The cookies of someone who is signed in. */
  session: Session;
  /** An API token. */
  token: string;
}

export const test = base.extend<TestFixtures, WorkerFixtures>({
  serverFor: ['', { option: true, scope: 'worker' }],
  serverArgs: [[], { option: true, scope: 'worker' }],

  server: [
    async ({ serverFor, serverArgs }, use) => {
      if (!serverFor) throw new Error("name the file's server: test.use({ serverFor: '…' })");
      await keepClearOfMidnight();
      const server = new TakingsServer('127.0.0.1', serverArgs);
      try {
        await server.start();
        await server.cli('user', 'add', PERSON);
        await server.cli('source', 'add', SHOP, '--platform', 'shopify', '--secret', SECRET);
        await use(server);
      } finally {
        await server.dispose();
      }
    },
    { scope: 'worker', timeout: 400_000 },
  ],

  shop: [async ({ server }, use) => use(new Shop(server.url)), { scope: 'worker' }],

  session: [
    async ({ server, browser }, use) => {
      const context = await browser.newContext({ baseURL: server.url });
      const page = await context.newPage();
      const signIn = new SignInPage(page);
      await signIn.open();
      await signIn.signIn(PERSON, PASSWORD);
      await new Dashboard(page).expectLive();
      const session = await context.storageState();
      await context.close();
      await use(session);
    },
    { scope: 'worker' },
  ],

  token: [async ({ server }, use) => use(await server.cli('token', 'add', 'tests')), { scope: 'worker' }],

  baseURL: async ({ server }, use) => use(server.url),

  watch: async ({}, use) => {
    const watch = new Watch();
    await use(watch);
    watch.check();
  },

  page: async ({ page, watch, server }, use, testInfo) => {
    watch.follow(page);
    await use(page);
    if (testInfo.status !== testInfo.expectedStatus) await testInfo.attach('server log', { body: server.log });
  },

  openDashboard: async ({ browser, server, session, watch }, use, testInfo) => {
    const contexts: BrowserContext[] = [];
    await use(async (options = {}) => {
      const context = await browser.newContext({ baseURL: server.url, storageState: session, ...options });
      contexts.push(context);
      const page = await context.newPage();
      watch.follow(page);
      return new Dashboard(page);
    });
    if (testInfo.status !== testInfo.expectedStatus) await testInfo.attach('server log', { body: server.log });
    for (const context of contexts) await context.close();
  },

  told: async ({ server, token }, use) => {
    await use(async () => {
      const answer = await fetch(`${server.url}/api/v1/snapshot`, { headers: { authorization: `Bearer ${token}` } });
      if (!answer.ok) throw new Error(`the snapshot was answered with ${answer.status}`);
      const { overview } = (await answer.json()) as { overview: Record<'today' | 'yesterday', { current: Counted }> };
      return { today: overview.today.current, yesterday: overview.yesterday.current };
    });
  },
});

export { expect };
