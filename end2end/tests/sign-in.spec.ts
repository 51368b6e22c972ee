import { Dashboard, SignInPage, WelcomePage } from '../support/pages';
import { PASSWORD, PERSON, TakingsServer } from '../support/server';
import { expect, test } from '../support/test';

test.use({ serverFor: 'sign-in' });

test('a closed page leads to the sign-in page', async ({ page }) => {
  await page.goto('/');
  await new SignInPage(page).expectOpen();
});

test('nothing is told to whoever is not signed in', async ({ request, server }) => {
  expect((await request.get('/api/v1/snapshot')).status()).toBe(401);
  expect((await request.get('/', { maxRedirects: 0 })).status()).toBe(303);
  const socket = await request.get('/ws', {
    headers: {
      connection: 'Upgrade', upgrade: 'websocket', origin: server.url,
      'sec-websocket-version': '13', 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
    },
  });
  expect(socket.status()).toBe(401);
});

test('a wrong password is refused with a sentence', async ({ page }) => {
  const signIn = new SignInPage(page);
  await signIn.open();
  await signIn.signIn(PERSON, 'not the password');
  await expect(signIn.problem).toHaveText('The name or the password is not right.');
  await signIn.expectOpen();
});

test('someone signs in, and out again', async ({ page }) => {
  const signIn = new SignInPage(page);
  await signIn.open();
  await signIn.signIn(PERSON, PASSWORD);
  const dashboard = new Dashboard(page);
  await dashboard.expectLive();
  await expect(page).toHaveURL(/\/$/);
  await expect(page.getByText(PERSON, { exact: true })).toBeVisible();

  await dashboard.signOut.click();
  await signIn.expectOpen();
  await page.goto('/');
  await signIn.expectOpen();
});

test('signing in and out works without JavaScript', async ({ browser, server, watch }) => {
  const context = await browser.newContext({ baseURL: server.url, javaScriptEnabled: false });
  watch.expectsScriptsOff();
  const page = await context.newPage();
  watch.follow(page);
  const signIn = new SignInPage(page);
  await signIn.open();
  await signIn.signIn(PERSON, PASSWORD);
  const dashboard = new Dashboard(page);
  await expect(dashboard.hero).toBeVisible();
  await dashboard.signOut.click();
  await signIn.expectOpen();
  await context.close();
});

test('the first-run link makes the administrator once', async ({ browser, watch }) => {
  test.setTimeout(180_000);
  const server = new TakingsServer();
  try {
    await server.start();
    const link = await server.firstRunLink();
    const context = await browser.newContext({ baseURL: server.url });
    const page = await context.newPage();
    watch.follow(page);

    await page.goto(link);
    await expect(page.getByRole('heading', { name: 'Welcome' })).toBeVisible();
    const welcome = new WelcomePage(page);
    await welcome.name.fill('grace');
    await welcome.password.fill(PASSWORD);
    await welcome.begin.click();
    const dashboard = new Dashboard(page);
    await dashboard.expectLive();
    await expect(page.getByText('grace', { exact: true })).toBeVisible();

    await page.goto(link);
    await expect(page.getByRole('heading', { name: 'This link has ended' })).toBeVisible();
    await expect(welcome.begin).toHaveCount(0);

    // With an administrator there, a new start offers no other link.
    const before = server.log.length;
    await server.restart();
    await expect.poll(() => server.log.slice(before)).toContain(`Takings is at ${server.url}`);
    expect(server.log.slice(before)).not.toContain('/welcome');
    await context.close();
  } finally {
    await server.dispose();
  }
});
