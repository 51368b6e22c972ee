// Calls in trouble as administrators find them, on a server that throws away every third packet to a listener.

import { CallsPage } from '../support/calls';
import { PERSON } from '../support/server';
import { expect, test } from '../support/test';
import { Callers, SOON_MS } from '../support/voice';

test.use({ serverFor: 'voice-alerts', serverArgs: ['--voice-drop-percent', '33'] });

test('who loses packets is an alert, which an administrator acknowledges for all', async ({ server }, { project }) => {
  const callers = new Callers(server, project.use.launchOptions ?? {});
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
