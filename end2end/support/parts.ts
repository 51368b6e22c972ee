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
  const stdin = { contents, resolveDir: DOCK };
  const built = buildSync({ stdin, bundle: true, write: false, format: 'iife', globalName: 'parts', target: 'es2022' });
  const script = Buffer.from(built.outputFiles[0].contents).toString();
  const body = `<!doctype html><html lang="en"><title>Dock</title><body>${html}</body></html>`;
  await page.route(`${SITE}/**`, (route) => route.fulfill({ contentType: 'text/html; charset=utf-8', body }));
  if (prepare) await page.addInitScript(prepare);
  await page.goto(`${SITE}/`);
  await page.addScriptTag({ content: script });
}

/** A server of voice within the page: what the dock has said, and a way to answer. It is made by `fakeServer`. */
export interface FakeServer {
  /** Sockets so far. */
  opened: number;
  /** What was said over all of them, oldest first, but for measurements and pings. */
  said: { type: string; [field: string]: unknown }[];
  /** Says something on the newest socket. */
  tell(message: object): void;
  /** Closes the newest socket; with `isAway` also those to come. */
  close(isAway?: boolean): void;
  /** Opens sockets again. */
  back(): void;
  /** What has just been said has been heard and shown. */
  settled(): Promise<void>;
  /** A seat as the server gives it. */
  joined(more?: object): object;
  /** The rooms with some people in the first. */
  rooms(people?: number[], more?: object): object;
}

/** Puts a server of voice into the page, and a microphone that is always allowed. */
export function fakeServer(): void {
  let newest: Fake | undefined;
  let isAway = false;
  const said: FakeServer['said'] = [];
  class Fake {
    static readonly OPEN = 1;
    readyState = 0;
    onopen?: () => void;
    onmessage?: (event: { data: string }) => void;
    onclose?: () => void;
    constructor() {
      newest = this;
      server.opened += 1;
      setTimeout(() => {
        if (isAway) return this.end();
        this.readyState = 1;
        this.onopen?.();
      });
    }
    send(text: string) {
      const message = JSON.parse(text);
      if (message.type === 'ping') setTimeout(() => this.onmessage?.({ data: '{"type":"pong"}' }));
      else if (message.type !== 'stats') said.push(message);
    }
    close() {
      this.readyState = 3;
    }
    end() {
      this.readyState = 3;
      this.onclose?.();
    }
  }
  const person = (number: number) => ({
    person: number, name: `person ${number}`, initials: 'p', colour: 0, muted: false, server_muted: false, deafened: false, state: 'connected',
  });
  const server: FakeServer = {
    opened: 0,
    said,
    tell: (message) => newest?.onmessage?.({ data: JSON.stringify(message) }),
    close(is = false) {
      isAway = is;
      newest?.end();
    },
    back: () => (isAway = false),
    settled: () => new Promise((resolve) => setTimeout(resolve, 20)),
    joined: (more = {}) => ({
      type: 'joined', room: 1, epoch: 1, resume: 'token', resumed: false, ice_servers: [], ttl_seconds: 600, slots: 2, red: false, presenting: null,
      server_muted: false, ...more,
    }),
    rooms: (people = [7], more = {}) => ({
      type: 'rooms', you: { person: 7, is_administrator: false },
      rooms: [{ id: 1, name: 'One', people: people.map(person) }, { id: 2, name: 'Two', people: [] }], ...more,
    }),
  };
  const context = new AudioContext();
  const getUserMedia = async () => context.createMediaStreamDestination().stream;
  Object.defineProperty(navigator, 'mediaDevices', { value: { getUserMedia, enumerateDevices: async () => [], addEventListener: () => {} } });
  Object.assign(window, { WebSocket: Fake, server });
}
