// Files of royalties: chosen, dropped or sent without a script; looked at, imported, taken back.

import AxeBuilder from '@axe-core/playwright';

import { ImportsPage, MONTHLY, WEEKLY, file } from '../support/royalties';
import { expect, test } from '../support/test';

test.use({ serverFor: 'imports' });

test('two files are chosen, looked at, imported, and taken back', async ({ openDashboard }) => {
  const { page } = await openDashboard();
  const imports = new ImportsPage(page);
  await imports.open();
  await expect(imports.history).toContainText('No file of royalties is imported yet.');
  await imports.files.setInputFiles([MONTHLY, WEEKLY]);
  await imports.expectPreview();
  await expect(imports.looked('monthly.csv').first()).toContainText('Monthly statements: 12 new, 0 changed, 0 same, 0 rejected.');
  await expect(imports.looked('weekly.csv').first()).toContainText('Weekly minutes: 53 new');
  const october = page.getByRole('row').filter({ hasText: 'October 2025' });
  await expect(october).toContainText('410,000 min, $3,456.78, final');
  expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);

  await imports.apply.click();
  await expect(page.getByRole('status').filter({ hasText: 'The files are imported.' })).toBeVisible();
  await expect(imports.history.getByRole('listitem')).toHaveCount(2);

  // The same file again says so, and nothing is offered.
  await imports.files.setInputFiles(MONTHLY);
  await imports.expectPreview();
  await expect(page.getByText(/This very file was imported by ada on .* It is not imported again\./)).toBeVisible();
  await expect(imports.apply).toHaveCount(0);

  await imports.open();
  for (const left of [1, 0]) {
    await imports.history.getByRole('button', { name: /^Take import \d+ back$/ }).first().click();
    await expect(page.getByRole('status').filter({ hasText: 'what was before stands again' })).toBeVisible();
    await expect(imports.history.getByRole('button')).toHaveCount(left);
  }
  await expect(imports.history.getByRole('listitem').first()).toContainText('taken back by ada');
});

test('what is dropped goes up with its progress; what is refused says why beside it', async ({ openDashboard, watch }) => {
  const { page } = await openDashboard();
  const imports = new ImportsPage(page);
  await imports.open();
  await imports.drop(WEEKLY, file('page.xls', '<html><table><tr><td>1</td></tr></table></html>'));
  await imports.expectPreview();
  await expect(imports.looked('weekly.csv').first()).toContainText('53 new');
  await expect(imports.looked('page.xls').first()).toContainText('the file is a web page, whatever its name says');

  watch.expects(/status of 422/);
  await imports.open();
  await imports.drop(file('empty.csv', ''), file('odd.csv', 'report_week_start,country,minutes\n2025-12-22,GB,x\n2025-12-22,US,5\n'));
  const list = page.locator('.uploads');
  await expect(list.getByRole('listitem').filter({ hasText: 'empty.csv' })).toContainText('The file is empty.');
  await expect(list.getByRole('listitem').filter({ hasText: 'odd.csv' })).toContainText('sent');
  await page.getByRole('link', { name: 'Look at what the others change' }).click();
  await imports.expectPreview();
  await expect(page.getByText(/^Line 2, minutes: /)).toBeVisible();
});

test('headings that are not known are explained once', async ({ openDashboard }) => {
  const { page } = await openDashboard();
  const imports = new ImportsPage(page);
  await imports.open();
  await imports.files.setInputFiles(file('monat.csv', 'Monat;Minuten;Erlös\n2025-10;1.000;10,50\n'));
  await imports.expectPreview();
  await page.getByLabel(/^Monat/).selectOption('Month');
  await page.getByLabel(/^Minuten/).selectOption('Minutes');
  await page.getByLabel(/^Erlös/).selectOption('Revenue in US dollars');
  await page.getByRole('button', { name: 'Remember the columns' }).click();
  await expect(page.getByRole('status').filter({ hasText: 'The columns are remembered' })).toBeVisible();
  await expect(page.getByText('1 new, 0 changed')).toBeVisible();
});

test('without a script files are sent by the form', async ({ openDashboard, watch }) => {
  watch.expects(/request failed: \S+\/vendor\/plain\.js\S* csp/);
  const { page } = await openDashboard({ javaScriptEnabled: false });
  const imports = new ImportsPage(page);
  await imports.open();
  await imports.files.setInputFiles([MONTHLY, WEEKLY]);
  await imports.look.click();
  await imports.expectPreview();
  await expect(imports.looked('monthly.csv').first()).toContainText('12 new, 0 changed, 0 same, 0 rejected');
});

for (const colorScheme of ['dark', 'light'] as const) {
  for (const width of [390, 1024, 1440]) {
    test(`axe finds nothing on imports, ${colorScheme}, ${width} px`, async ({ openDashboard }) => {
      const { page } = await openDashboard({ colorScheme, viewport: { width, height: 900 } });
      await new ImportsPage(page).open();
      expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
      expect(await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)).toBeLessThanOrEqual(0);
    });
  }
}
