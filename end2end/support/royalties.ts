// Files of royalties, and the pages that take and show them.

import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

import { Locator, Page, expect } from '@playwright/test';

const FIXTURES = resolve(__dirname, '../../src/tests/fixtures');

export interface SentFile {
  name: string;
  mimeType: string;
  buffer: Buffer;
}

/** A file as somebody chooses it. */
export function file(name: string, text: string): SentFile {
  return { name, mimeType: 'text/csv', buffer: Buffer.from(text) };
}

/** The statements of 2025, month by month. */
export const MONTHLY = file('monthly.csv', readFileSync(`${FIXTURES}/royalties-2025-monthly.csv`, 'utf8'));
/** The same minutes by week. */
export const WEEKLY = file('weekly.csv', readFileSync(`${FIXTURES}/royalties-2025-weekly.csv`, 'utf8'));
/** The last weeks of the year by country. */
export const COUNTRIES = file(
  'countries.csv',
  ['report_week_start,country,minutes', ...['2025-12-08', '2025-12-15', '2025-12-22'].flatMap((week, n) =>
    [`${week},GB,${30_000 + n * 2_000}`, `${week},US,${25_000 - n * 1_000}`, `${week},Rest of World,${n * 500}`])].join('\n'),
);

/** Imports a file as a script does. */
export async function post(server: string, token: string, sent: SentFile): Promise<void> {
  const address = `${server}/api/v1/imports?name=${encodeURIComponent(sent.name)}`;
  const answer = await fetch(address, { method: 'POST', headers: { authorization: `Bearer ${token}` }, body: new Uint8Array(sent.buffer) });
  if (answer.status !== 201) throw new Error(`${sent.name} was answered with ${answer.status}: ${await answer.text()}`);
}

export class ImportsPage {
  readonly files: Locator;
  readonly look: Locator;
  readonly apply: Locator;
  readonly history: Locator;

  constructor(readonly page: Page) {
    this.files = page.getByLabel('Files of royalties');
    this.look = page.getByRole('button', { name: 'Look at what changes' });
    this.apply = page.getByRole('button', { name: 'Import this' });
    this.history = page.getByRole('region', { name: 'History' });
  }

  async open(): Promise<void> {
    await this.page.goto('/imports');
    await expect(this.page.getByRole('heading', { name: 'Imports', level: 1 })).toBeVisible();
  }

  /** What is said of a file that is looked at. */
  looked(name: string): Locator {
    return this.page.getByRole('region').or(this.page.locator('section')).filter({ has: this.page.getByRole('heading', { name, exact: true }) });
  }

  async expectPreview(): Promise<void> {
    await expect(this.page).toHaveURL(/\/imports\/preview\?draft=/);
  }

  /** Drops files on the page, as a person does with the mouse. */
  async drop(...files: SentFile[]): Promise<void> {
    const sent = files.map(({ name, mimeType, buffer }) => ({ name, mimeType, text: buffer.toString('utf8') }));
    const transfer = await this.page.evaluateHandle((files) => {
      const transfer = new DataTransfer();
      for (const { name, mimeType, text } of files) transfer.items.add(new File([text], name, { type: mimeType }));
      return transfer;
    }, sent);
    await this.page.dispatchEvent('main', 'dragenter', { dataTransfer: transfer });
    await expect(this.page.getByText('Drop files of royalties to see what they change')).toBeVisible();
    await this.page.dispatchEvent('main', 'dragover', { dataTransfer: transfer });
    await this.page.dispatchEvent('main', 'drop', { dataTransfer: transfer });
  }
}

export class RoyaltiesPage {
  readonly said: Locator;
  readonly pool: Locator;

  constructor(readonly page: Page) {
    this.said = page.locator('.live-said');
    this.pool = page.getByRole('group', { name: /^Received\. / });
  }

  async open(): Promise<void> {
    await this.page.goto('/royalties');
    await expect(this.page.getByRole('heading', { name: 'Royalties', level: 1 })).toBeVisible();
  }

  table(title: string): Locator {
    return this.page.getByRole('group', { name: title, exact: true }).getByRole('table');
  }

  row(title: string, name: string): Locator {
    return this.table(title).getByRole('row').filter({ has: this.page.getByRole('rowheader', { name, exact: true }) });
  }

  async expectChartsDrawn(): Promise<void> {
    for (const area of await this.page.locator('.chart-area').all()) await expect(area).toHaveClass(/\bis-drawn\b/);
  }
}
