// The relay as a browser finds it when its credentials have run out, on a server whose credentials hold for two seconds.

import { SignInPage } from '../support/pages';
import { PASSWORD, PERSON } from '../support/server';
import { expect, test } from '../support/test';

test.use({ serverFor: 'voice-relay', serverArgs: ['--relay-seconds', '2'] });

/** In the page: `asked` joins once and then asks for credentials, `found` says what the relay gives for them. */
function relay(): void {
  type Servers = (RTCIceServer & { username?: string })[];
  let socket: WebSocket | undefined;
  const told = (kind: string) =>
    new Promise<Servers>((resolve) => {
      const hear = ({ data }: MessageEvent<string>) => {
        const message = JSON.parse(data);
        if (message.type !== kind) return;
        socket!.removeEventListener('message', hear);
        resolve(message.ice_servers);
      };
      socket!.addEventListener('message', hear);
    });
  Object.assign(window, {
    asked: async (): Promise<Servers> => {
      if (socket) {
        socket.send('{"type":"ice_servers"}');
        return told('ice_servers');
      }
      socket = new WebSocket(`ws://${location.host}/voice`, 'takings.voice.1');
      await told('rooms').catch(() => undefined);
      socket.send('{"type":"join","room":1}');
      return told('joined');
    },
    found: (iceServers: Servers) =>
      new Promise<{ ways: number; errors: number[] }>((resolve) => {
        const peer = new RTCPeerConnection({ iceServers, iceTransportPolicy: 'relay' });
        const found = { ways: 0, errors: [] as number[] };
        peer.onicecandidate = ({ candidate }) => {
          if (candidate?.candidate) found.ways += 1;
        };
        peer.onicecandidateerror = ({ errorCode }) => found.errors.push(errorCode);
        peer.onicegatheringstatechange = () => {
          if (peer.iceGatheringState !== 'complete') return;
          peer.close();
          resolve(found);
        };
        peer.addTransceiver('audio');
        void peer.setLocalDescription();
      }),
  });
}
declare const asked: () => Promise<(RTCIceServer & { username?: string })[]>;
declare const found: (servers: RTCIceServer[]) => Promise<{ ways: number; errors: number[] }>;

test('credentials that have run out open no way; new ones do', async ({ browser, server }) => {
  const page = await browser.newPage({ baseURL: server.url });
  const signIn = new SignInPage(page);
  await signIn.open();
  await signIn.signIn(PERSON, PASSWORD);
  await page.waitForURL((url) => !url.pathname.startsWith('/sign-in'));
  await page.goto('/goals');
  await page.evaluate(relay);
  const fresh = await page.evaluate(async () => {
    const servers = await asked();
    return { servers, found: await found(servers) };
  });
  expect(fresh.found.ways).toBeGreaterThan(0);
  const expiry = Number(fresh.servers.find(({ username }) => username)?.username?.split(':')[0]);
  await expect.poll(() => Math.floor(Date.now() / 1000)).toBeGreaterThan(expiry + 1);
  const late = await page.evaluate((servers) => found(servers), fresh.servers);
  expect(late.ways).toBe(0);
  expect(late.errors.length).toBeGreaterThan(0);
  const again = await page.evaluate(async () => found(await asked()));
  expect(again.ways).toBeGreaterThan(0);
  await page.close();
});
