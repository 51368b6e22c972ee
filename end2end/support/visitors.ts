// The page of visitors, and a shop whose pages have the script: plain HTML, served by the test.

import { once } from 'node:events';
import { Server, createServer } from 'node:http';
import { AddressInfo } from 'node:net';

import { Locator, Page, expect } from '@playwright/test';

/** What a browser calls itself that somebody looks at; those of tests say that nobody does, and are not counted. */
export const BROWSER = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36';

/** A shop: every address of it is a page with the lines that the page of visitors shows. */
export class ShopSite {
  private readonly site: Server;

  constructor(private readonly takings: string) {
    this.site = createServer((request, response) => {
      response.setHeader('content-type', 'text/html; charset=utf-8');
      response.end(`<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>A shop</title><link rel="icon" href="data:,">
        <script defer src="${this.takings}/v.js"></script></head><body><h1>${request.url === '/' ? 'A shop' : 'A page'}</h1>
        <noscript><img src="${this.takings}/v.gif" alt="" referrerpolicy="no-referrer-when-downgrade"></noscript></body></html>`);
    });
  }

  async open(): Promise<void> {
    this.site.listen(0, '127.0.0.1');
    await once(this.site, 'listening');
  }

  get url(): string {
    return `http://127.0.0.1:${(this.site.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.site.closeAllConnections();
    this.site.close();
    await once(this.site, 'close');
  }
}

export interface Told {
  now: number;
  today: { visitors: number; views: number };
  pages: { name: string; visitors: number; views: number }[];
}

/** What the API tells of visitors. */
export async function visitorsTold(server: string, token: string): Promise<Told> {
  const answer = await fetch(`${server}/api/v1/visitors`, { headers: { authorization: `Bearer ${token}` } });
  if (!answer.ok) throw new Error(`visitors were answered with ${answer.status}`);
  return (await answer.json()) as Told;
}

export class VisitorsPage {
  readonly now: Locator;
  readonly today: Locator;
  readonly hours: Locator;
  readonly install: Locator;

  constructor(readonly page: Page) {
    this.now = page.getByRole('region', { name: 'Now' });
    this.today = page.getByRole('region', { name: 'Today' });
    this.hours = page.getByRole('region', { name: 'The last 24 hours' });
    this.install = page.getByRole('region', { name: 'How to count' });
  }

  async open(): Promise<void> {
    await this.page.goto('/visitors');
    await expect(this.page.getByRole('heading', { name: 'Visitors', level: 1 })).toBeVisible();
  }

  row(table: string, name: string): Locator {
    return this.page.getByRole('group', { name: table, exact: true }).getByRole('row')
      .filter({ has: this.page.getByRole('rowheader', { name, exact: true }) });
  }

  async expectChartsDrawn(): Promise<void> {
    for (const area of await this.page.locator('.chart-area').all()) await expect(area).toHaveClass(/\bis-drawn\b/);
  }
}
