import AxeBuilder from '@axe-core/playwright';

import { Dashboard, SignInPage } from '../support/pages';
import { PASSWORD } from '../support/server';
import { expect, test } from '../support/test';

test.use({ serverFor: 'presence' });

test('two people see one another, where they are and whether they look', async ({ openDashboard, page, server }) => {
  const ada = await openDashboard();
  await ada.open();
  await expect(ada.person('ada, looking at 30 days')).toBeVisible();
  await expect(ada.people.getByRole('img')).toHaveCount(1);

  await server.cli('user', 'add', 'bob');
  const signIn = new SignInPage(page);
  await signIn.open();
  await signIn.signIn('bob', PASSWORD);
  const bob = new Dashboard(page);
  await bob.expectLive();
  for (const dashboard of [ada, bob]) {
    await expect(dashboard.people.getByRole('img')).toHaveCount(2);
    await expect(dashboard.person('bob, looking at 30 days')).toHaveText('B');
  }

  // Another question is another place; a second tab is the same person.
  await bob.page.goto('/?range=today');
  await expect(ada.person('bob, looking at Today')).toBeVisible();
  const platforms = bob.page.getByRole('region', { name: 'Platforms', exact: true }).first();
  await platforms.evaluate((card) => card.scrollIntoView({ block: 'center' }));
  await expect(ada.person('bob, looking at Today: Platforms')).toBeVisible();
  await bob.page.evaluate(() => scrollTo(0, 0));
  const second = await bob.page.context().newPage();
  await second.goto('/');
  await new Dashboard(second).expectLive();
  await expect(ada.people.getByRole('img')).toHaveCount(2);
  await second.close();
  await bob.page.evaluate(() => Object.defineProperty(document, 'hidden', { get: () => true }));
  await expect(ada.person('bob, idle, looking at Today')).toBeVisible();

  for (const colorScheme of ['dark', 'light'] as const) {
    await ada.page.emulateMedia({ colorScheme });
    const { violations } = await new AxeBuilder({ page: ada.page }).include('.people').analyze();
    expect(violations).toEqual([]);
  }

  await bob.page.goto('about:blank');
  await expect(ada.people.getByRole('img')).toHaveCount(1);
});
