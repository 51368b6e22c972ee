// The seat in a room against a server that the test plays: what a real one says only now and then.

import { Page, expect, test } from '@playwright/test';

import { FakeServer, fakeServer, openParts } from '../support/parts';

/** What the parts offer, and the server, within the page. */
declare const parts: Record<string, any>;
declare const server: FakeServer;

/** A dock whose socket opens, in a page whose clock the test moves where it says so. */
async function begin(page: Page, clock?: 'clock'): Promise<void> {
  if (clock) await page.clock.install();
  await openParts(page, ['call', 'store', 'words', 'follow'], '<div id="players"></div>', fakeServer);
  await page.evaluate(() => {
    const [announced, view] = [[] as string[], {}];
    const call = parts.voice({ place: document.getElementById('players'), announce: (words: string) => announced.push(words), view });
    const led = parts.follow(call);
    Object.assign(view, { viewed: led.viewed, presentAgain: led.presentAgain });
    Object.assign(window, { call, led, announced });
    parts.change({ isOpen: true });
    call.socket.open();
  });
}
declare const call: any;
declare const led: any;
declare const announced: string[];

/** In room 1, connected as far as the server says. */
const sit = (page: Page, people: number[] = [7]): Promise<void> =>
  page.evaluate(async (inside) => {
    await server.settled();
    server.tell(server.rooms(inside));
    call.join(1);
    await server.settled();
    server.tell(server.joined());
    await server.settled();
  }, people);

/** What was said of some kinds. */
const said = (page: Page, ...types: string[]) =>
  page.evaluate((wanted) => {
    const of = server.said.filter(({ type }) => wanted.includes(type));
    return of.map(({ type, room, resume, on }) => [type, room ?? on, resume].filter((field) => field !== undefined));
  }, types);

test('another room is asked for without giving up the seat', async ({ page }) => {
  await begin(page);
  await sit(page);
  await page.evaluate(async () => {
    call.join(2);
    server.tell({ type: 'left', why: 'elsewhere' });
    server.tell(server.joined({ room: 2, epoch: 2 }));
    await server.settled();
  });
  expect(await said(page, 'join', 'leave')).toEqual([['join', 1], ['join', 2]]);
  expect(await page.evaluate(() => [parts.state.seat, parts.state.notice])).toEqual([{ id: 2, is: 'joined' }, '']);
  // Offers are made for the new seat.
  await expect.poll(() => page.evaluate(() => server.said.filter(({ type, epoch }) => type === 'offer' && epoch === 2).length)).toBe(1);
});

test('a room that is full costs nothing', async ({ page }) => {
  await begin(page);
  await sit(page);
  await page.evaluate(async () => {
    call.join(2);
    server.tell({ type: 'refused', why: 'room_full', sentence: 'this room is full: 50 people are in it' });
    await server.settled();
  });
  expect(await page.evaluate(() => [parts.state.seat, parts.state.notice])).toEqual([{ id: 1, is: 'joined' }, 'This room is full: 50 people are in it.']);
  await page.evaluate(() => server.tell({ type: 'left', why: 'elsewhere' }));
  expect(await page.evaluate(() => [parts.state.seat, announced])).toEqual([null, ['This room is full: 50 people are in it.', 'You have joined from another page.']]);
});

test('what is given up before it is given is given back', async ({ page }) => {
  await begin(page);
  await page.evaluate(async () => {
    await server.settled();
    server.tell(server.rooms([]));
    call.join(1);
    call.leave();
    server.tell(server.joined());
  });
  expect(await said(page, 'join', 'leave')).toEqual([['join', 1], ['leave'], ['leave']]);
  expect(await page.evaluate(() => parts.state.seat)).toBeNull();
});

test('a seat that was ended meanwhile is not taken again', async ({ page }) => {
  await begin(page);
  for (const [why, words] of [
    ['removed', 'An administrator has removed you from the room.'],
    ['elsewhere', 'You have joined from another page.'],
    ['signed_out', 'Your session has ended. Sign in again to talk.'],
  ]) {
    await sit(page);
    const [seat, notice, joins] = await page.evaluate(async (reason) => {
      server.close();
      call.socket.hurry();
      await server.settled();
      server.said.length = 0;
      server.tell(server.rooms([]));
      server.tell({ type: 'left', why: reason });
      await server.settled();
      return [parts.state.seat, parts.state.notice, server.said.filter(({ type }) => type === 'join').length];
    }, why);
    expect([seat, notice, joins]).toEqual([null, words, 0]);
  }
  expect(await page.evaluate(() => parts.status(parts.state))).toBe('You are signed out.');
  // So is who only looks at the rooms.
  await page.evaluate(async () => {
    server.tell(server.rooms([]));
    server.tell({ type: 'left', why: 'signed_out' });
  });
  expect(await page.evaluate(() => parts.status(parts.state))).toBe('You are signed out.');
});

test('a seat is asked for again where the server cannot look for it at the moment', async ({ page }) => {
  await begin(page, 'clock');
  const told = (...messages: object[]) => page.evaluate((all) => all.forEach((message) => server.tell(message)), messages);
  await page.clock.runFor(100);
  const rooms = await page.evaluate(() => server.rooms([]));
  await told(rooms);
  await page.evaluate(() => call.join(1));
  await told(await page.evaluate(() => server.joined()));
  await page.clock.runFor(100);
  await page.evaluate(() => (server.close(), call.socket.hurry()));
  await page.clock.runFor(100);
  await told(rooms, { type: 'refused', why: 'denied', sentence: 'the database does not answer at the moment', retry_after_ms: 4000 });
  const before = (await said(page, 'join')).length;
  await page.clock.runFor(4_500);
  expect((await said(page, 'join')).length).toBe(before + 1);
  expect(await page.evaluate(() => parts.state.seat)).toEqual({ id: 1, is: 'joined' });
});

test('a server that turns sockets away is not asked again at once', async ({ page }) => {
  await begin(page, 'clock');
  const turned = (why: string, sentence: string) =>
    page.evaluate((message) => {
      server.tell({ type: 'refused', ...message });
      server.close();
      return parts.status(parts.state);
    }, { why, sentence });
  await page.clock.runFor(100);
  expect(await turned('off', 'voice is not carried by this server')).toBe('Voice is not carried here.');
  await page.clock.runFor(40_000);
  expect(await page.evaluate(() => server.opened)).toBe(1);
  await page.clock.runFor(25_000);
  expect(await page.evaluate(() => server.opened)).toBe(2);
  expect(await turned('too_many', 'voice is open in 10 pages of yours: close one')).toBe('Voice is open in 10 pages of yours: close one.');
  // "Try now".
  await page.evaluate(() => call.socket.hurry());
  await page.clock.runFor(100);
  expect(await page.evaluate(() => {
    server.tell(server.rooms([]));
    return [server.opened, parts.status(parts.state)];
  })).toEqual([3, '']);
});

test('a server that closes each socket at once is asked less and less often', async ({ page }) => {
  await begin(page, 'clock');
  for (let n = 0; n < 200; n++) {
    await page.clock.runFor(100);
    await page.evaluate(() => server.close());
  }
  const opened = await page.evaluate(() => server.opened);
  expect(opened).toBeLessThan(12);
  expect(opened).toBeGreaterThan(4);
});

test('who one is is told once on a socket, and a closed dock knows of nobody', async ({ page }) => {
  await begin(page);
  await page.evaluate(async () => {
    await server.settled();
    server.tell(server.rooms([7]));
    const { you, ...rest } = server.rooms([7, 8]) as { you: object };
    server.tell(rest);
  });
  expect(await page.evaluate(() => [parts.state.you.person, parts.state.rooms[0].people.length])).toEqual([7, 2]);
  await page.evaluate(() => call.socket.close());
  expect(await page.evaluate(() => parts.state.rooms)).toBeNull();
});

test('who comes and goes is announced, and many are counted', async ({ page }) => {
  await begin(page);
  await sit(page);
  for (const people of [[7, 8], [7, 8, 9], [7, 1, 2, 3, 4]]) await page.evaluate((inside) => server.tell(server.rooms(inside)), people);
  expect(await page.evaluate(() => announced)).toEqual(['person 8 joined.', 'person 9 joined.', '4 people joined. person 8 left. person 9 left.']);
});

test('one follows a person, not whoever presents', async ({ page }) => {
  await begin(page);
  await sit(page, [7, 8, 9]);
  const following = () => page.evaluate(() => [parts.isFollowing(), parts.state.following]);
  await page.evaluate(() => {
    server.tell({ type: 'presenting', person: 8 });
    led.follow();
  });
  expect(await following()).toEqual([true, 8]);
  await page.evaluate(() => server.tell({ type: 'presenting', person: 9 }));
  expect(await following()).toEqual([false, null]);
  await page.evaluate(() => {
    led.follow();
    // The server starts again: nobody presents until the presenter is back.
    server.tell(server.joined({ epoch: 2 }));
  });
  expect(await following()).toEqual([false, 9]);
  await page.evaluate(() => server.tell({ type: 'presenting', person: 9 }));
  expect(await following()).toEqual([true, 9]);
  // Who stopped while one was away is not followed later.
  await page.evaluate(() => server.tell(server.joined({ epoch: 2, resumed: true })));
  expect(await following()).toEqual([false, null]);
  await page.evaluate(() => {
    server.tell({ type: 'presenting', person: 9 });
    led.follow();
  });
  expect(await following()).toEqual([true, 9]);
  await page.evaluate(() => server.tell({ type: 'presenting', person: null }));
  expect(await following()).toEqual([false, null]);
});

test('who presents says so again to a server that has started again', async ({ page }) => {
  await begin(page);
  await sit(page);
  await page.evaluate(() => {
    led.present();
    server.tell({ type: 'presenting', person: 7 });
  });
  await expect.poll(() => said(page, 'present', 'view')).toEqual([['present', true], ['view']]);
  await page.evaluate(() => {
    server.tell(server.joined({ epoch: 2, presenting: null }));
    server.tell({ type: 'presenting', person: 7 });
  });
  await expect.poll(() => said(page, 'present', 'view')).toEqual([['present', true], ['view'], ['present', true], ['view']]);
  // The same seat again is none that has lost it.
  await page.evaluate(() => server.tell(server.joined({ epoch: 2, resumed: true, presenting: 7 })));
  expect((await said(page, 'present')).length).toBe(2);
});

test('a call without the server has no end, but sleep has', async ({ page }) => {
  await begin(page, 'clock');
  await page.clock.runFor(100);
  await page.evaluate(() => {
    server.tell(server.rooms([7]));
    call.join(1);
    server.tell(server.joined());
    server.close(true);
  });
  await page.clock.runFor(20 * 60_000);
  expect(await page.evaluate(() => [parts.state.seat, parts.status(parts.state)])).toEqual([
    { id: 1, is: 'joined' }, expect.stringMatching(/cannot be reached|Connecting/),
  ]);
  await page.clock.fastForward(16 * 60_000);
  await page.clock.runFor(1_100);
  expect(await page.evaluate(() => [parts.state.seat, parts.state.notice])).toEqual([null, 'You were away for long: join again to talk.']);
});

test('a connection is made with credentials that last: after their time they are asked for first', async ({ page }) => {
  await begin(page);
  await page.evaluate(async () => {
    await server.settled();
    server.tell(server.rooms([7]));
    call.join(1);
    server.tell(server.joined({ ttl_seconds: 1 }));
  });
  const offers = () => page.evaluate(() => server.said.filter(({ type }) => ['offer', 'ice_servers'].includes(type)).map(({ type }) => type));
  await expect.poll(offers).toEqual(['offer']);
  // It was lost, long after it was made.
  await page.waitForFunction(() => performance.now() > 6_000);
  await page.evaluate(() => server.tell({ type: 'refused', why: 'media', sentence: 'this connection is gone' }));
  await expect.poll(offers).toEqual(['offer', 'ice_servers']);
  await page.evaluate(() => server.tell({ type: 'ice_servers', ice_servers: [], ttl_seconds: 600 }));
  await expect.poll(offers).toEqual(['offer', 'ice_servers', 'offer']);
});
