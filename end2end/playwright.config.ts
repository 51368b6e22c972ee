import { defineConfig, devices } from '@playwright/test';
import { ServerOptions } from './support/test';

// There is no `webServer`: each test file starts a server of its own (support/test.ts), with its own database.
export default defineConfig<object, ServerOptions>({
  testDir: 'tests',
  outputDir: '../test-results',
  workers: 1,
  retries: 0,
  timeout: 60_000,
  expect: { timeout: 10_000 },
  forbidOnly: !!process.env.CI,
  reporter: [['list']],
  use: { trace: 'retain-on-failure', screenshot: 'only-on-failure' },
  projects: [
    {
      name: 'chromium',
      use: {
        ...devices['Desktop Chrome'],
        viewport: { width: 1440, height: 900 },
        locale: 'en-GB',
        launchOptions: {
          executablePath: process.env.TAKINGS_CHROMIUM ?? '/usr/bin/chromium',
          args: [
            '--no-sandbox', '--disable-background-networking', '--disable-component-update', '--disable-sync',
            '--no-first-run', '--disable-quic', '--disable-gpu',
          ],
        },
      },
    },
  ],
});
