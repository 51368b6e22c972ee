import { expect, test } from '@playwright/test';

import { Network } from '../support/network';
import { PERSON, TakingsServer } from '../support/server';
import { Callers } from '../support/voice';

const BACK_MS = 5_000;

test('a browser goes to another network: it is heard and hears again within five seconds', async ({ }, { project }) => {
  test.skip(process.getuid?.() !== 0, 'only root makes networks');
  test.setTimeout(180_000);
  const network = new Network();
  await network.open();
  const server = new TakingsServer(network.host);
  const { launchOptions } = project.use;
  const callers = new Callers(server, launchOptions ?? {});
  try {
    await server.start();
    await server.cli('user', 'add', PERSON);
    // Browsers give the microphone only to pages that they take for secure.
    const args = [`--unsafely-treat-insecure-origin-as-secure=${server.url}`];
    const ada = await callers.add('ada', { args });
    const executablePath = network.program(launchOptions?.executablePath ?? '/usr/bin/chromium');
    const bob = await callers.add('bob', { role: 'analyst', executablePath, args });
    for (const one of [ada, bob]) {
      await one.open();
      await one.join();
    }
    await ada.expectHears([bob]);
    await bob.expectHears([ada]);

    const heard = Promise.all([ada.back(bob, BACK_MS), bob.back(ada, BACK_MS)]);
    const changed = Date.now();
    await network.change();
    const back = (await heard).map((at) => (at ?? changed) - changed);
    expect(Math.max(...back), `heard again after ${back} ms`).toBeLessThan(BACK_MS);
    await bob.expectConnected();
    expect((await bob.received()).open).toBe(1);
  } catch (error) {
    console.error(server.log.slice(-4_000));
    throw error;
  } finally {
    await callers.close();
    await server.dispose();
    await network.close();
  }
});
