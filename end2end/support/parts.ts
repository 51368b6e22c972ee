// Single parts of the dock in an empty page, with what a test puts in the place of the browser's own.

import { Page } from '@playwright/test';
import { buildSync } from 'esbuild';
import { resolve } from 'node:path';

const DOCK = resolve(__dirname, '../../src/voice/dock');
/** An address that browsers take for secure; nobody is asked for it. */
export const SITE = 'https://dock.test';

/** Opens an empty page and puts parts of the dock into it: `window.parts` has all that the modules offer, by name. */
export async function openParts(page: Page, modules: string[], html = '', prepare?: () => void): Promise<void> {
  const contents = modules.map((name) => `export * from "./${name}.js";`).join('\n');
  const built = buildSync({ stdin: { contents, resolveDir: DOCK }, bundle: true, write: false, format: 'iife', globalName: 'parts', target: 'es2022' });
  const script = Buffer.from(built.outputFiles[0].contents).toString();
  await page.route(`${SITE}/**`, (route) => route.fulfill({ contentType: 'text/html; charset=utf-8', body: `<!doctype html><html lang="en"><title>Dock</title><body>${html}</body></html>` }));
  if (prepare) await page.addInitScript(prepare);
  await page.goto(`${SITE}/`);
  await page.addScriptTag({ content: script });
}
