// Calls in trouble as administrators find them, on a server that throws away every third packet to a listener.

import { CallsPage } from '../support/calls';
import { PASSWORD, PERSON, TakingsServer } from '../support/server';
import { expect, test as base } from '../support/test';
import { Callers, SOON_MS } from '../support/voice';

const test = base.extend<object, { lossy: TakingsServer }>({
  lossy: [
    async ({}, use) => {
      const server = new TakingsServer('127.0.0.1', ['--voice-drop-percent', '33']);
      try {
        await server.start();
        await server.cli('user', 'add', PERSON);
        await use(server);
      } finally {
        await server.dispose();
      }
    },
    { scope: 'worker', timeout: 60_000 },
  ],
});
test.use({ serverFor: 'voice-alerts' });

test('who loses packets is an alert, which an administrator acknowledges for all', async ({ lossy }, { project }) => {
  const callers = new Callers(lossy, project.use.launchOptions ?? {});
  try {
    const ada = await callers.add(PERSON);
    const bob = await callers.add('bob', { role: 'analyst' });
    for (const one of [ada, bob]) {
      await one.open();
      await one.join();
    }
    const page = await ada.context.newPage();
    const calls = new CallsPage(page);
    await calls.open();
    const alert = calls.alerts.getByRole('listitem').filter({ hasText: /^Critical bob: .*packets are lost/ });
    const button = alert.getByRole('button', { name: /^Acknowledge: bob: .*packets are lost$/ });
    await button.click({ timeout: SOON_MS });
    await expect(page.getByRole('status').filter({ hasText: 'The alert is acknowledged.' })).toBeVisible();
    await expect(alert).toContainText(`Seen by ${PERSON} at`);
    await expect(button).toHaveCount(0);
    await page.reload();
    await expect(alert).toContainText(`Seen by ${PERSON} at`);
    await ada.expectHears([bob]);
  } finally {
    await callers.close();
  }
});
