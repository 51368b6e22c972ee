// The page of calls.

import { Locator, Page, expect } from '@playwright/test';

export class CallsPage {
  readonly people: Locator;
  readonly alerts: Locator;
  readonly said: Locator;

  constructor(readonly page: Page) {
    this.people = page.getByRole('region', { name: 'People in calls' });
    this.said = page.locator('.live-said');
    this.alerts = page.getByRole('region', { name: 'Alerts', exact: true });
  }

  async open(query = ''): Promise<void> {
    await this.page.goto(`/calls${query}`);
    await expect(this.page.getByRole('heading', { level: 1, name: 'Calls' })).toBeVisible();
  }

  card(name: string): Locator {
    return this.page.getByRole('region', { name, exact: true });
  }
}
