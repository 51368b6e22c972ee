import { defineConfig } from '@playwright/test';

import tests from './playwright.config';

// What is measured, not tested: `make bench-voice`. Nothing here fails for being slow.
export default defineConfig(tests, { testDir: 'measures', outputDir: '../test-results/measures', timeout: 600_000, use: { trace: 'off' } });
