// A Takings of its own for a test file: the release binary on a free port, with a database in a temporary folder.

import { ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, chmodSync, copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The checkout: Leptos.toml and the site lie here. */
const ROOT = resolve(__dirname, '../..');
const LOOK_MS = 50;
/** Making a database takes seconds, on a busy machine some more. */
const START_MS = 90_000;
const STOP_MS = 30_000;

export const PERSON = 'ada';
export const PASSWORD = 'a pass phrase for tests';

/** The binary under test: TAKINGS_BIN, else the release build. */
function binary(): string {
  const target = process.env.CARGO_TARGET_DIR ? resolve(ROOT, process.env.CARGO_TARGET_DIR) : join(ROOT, 'target');
  const path = process.env.TAKINGS_BIN ? resolve(process.env.TAKINGS_BIN) : join(target, 'release/takings');
  if (!existsSync(path)) {
    throw new Error(`there is no binary at ${path}: build it (make build), or set TAKINGS_BIN or CARGO_TARGET_DIR`);
  }
  return path;
}

/** What a shell of whoever runs the tests must not decide. The relay takes a free port: several servers may run at once. */
function environment(extra: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !/^(DATABASE_URL|PG|LEPTOS_|TAKINGS_)/.test(name));
  return { ...Object.fromEntries(kept), TAKINGS_LOG: 'takings=debug,warn', TAKINGS_RELAY_PORT: '0', ...extra };
}

export async function freePort(host: string): Promise<number> {
  const probe = createServer().listen(0, host);
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port is free');
  return address.port;
}

/** Looks until it is so; for what happens outside the browser. */
async function until(what: string, limitMs: number, isSo: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + limitMs;
  while (!(await isSo())) {
    if (Date.now() > deadline) throw new Error(`${what} did not happen within ${limitMs / 1000} s`);
    await pause(LOOK_MS);
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

export class TakingsServer {
  private readonly folder: string;
  private port = 0;
  private child?: ChildProcess;
  private output = '';

  /** At an address of this machine; another than its own loopback is reached from other networks on it. */
  constructor(
    private readonly host = '127.0.0.1',
    private readonly more: string[] = [],
  ) {
    // PostgreSQL runs as another user when we are root: it must be able to enter.
    this.folder = mkdtempSync(join(tmpdir(), 'takings-e2e-'));
    chmodSync(this.folder, 0o755);
  }

  get url(): string {
    return `http://${this.host}:${this.port}`;
  }

  /** Everything the server has written so far, over all its starts. */
  get log(): string {
    return this.output;
  }

  async start(): Promise<void> {
    this.port ||= await freePort(this.host);
    const args = ['serve', '--addr', `${this.host}:${this.port}`, '--data', this.folder, ...this.more];
    const child = spawn(binary(), args, { cwd: ROOT, env: environment(), stdio: ['ignore', 'pipe', 'pipe'] });
    this.child = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => (this.output += text));
    }
    child.on('error', (error) => (this.output += `${error}\n`));
    await until('the start of the server', START_MS, async () => {
      if (child.exitCode !== null || child.signalCode !== null) {
        throw new Error(`the server ended at its start:\n${this.output}`);
      }
      const answer = await fetch(`${this.url}/healthz`).catch(() => undefined);
      return answer?.ok ?? false;
    });
  }

  /** Ends it as an operator does. */
  async stop(): Promise<void> {
    await this.end('SIGTERM');
  }

  /** Ends it as a crash does: its PostgreSQL goes on. */
  async kill(): Promise<void> {
    await this.end('SIGKILL');
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    const child = this.child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    child.kill(signal);
    await until(`the end of the server after ${signal}`, STOP_MS, () => child.exitCode !== null || child.signalCode !== null);
    this.child = undefined;
  }

  /** Runs a command of the binary on the same data; returns what it printed. */
  async cli(...args: string[]): Promise<string> {
    const options = { cwd: ROOT, env: environment({ TAKINGS_PASSWORD: PASSWORD }) };
    const { stdout } = await run(binary(), [...args, '--data', this.folder], options);
    return stdout.trim();
  }

  /** The link that a server without people prints at its start. */
  async firstRunLink(): Promise<string> {
    let link: string | undefined;
    await until('the first-run link', 10_000, () => {
      link = this.output.match(/http:\/\/\S+\/welcome\?token=\S+/)?.[0];
      return link !== undefined;
    });
    return link as string;
  }

  private postgresPid(): number | undefined {
    const file = join(this.folder, 'postgres/postmaster.pid');
    if (!existsSync(file)) return undefined;
    const pid = Number(readFileSync(file, 'utf8').split('\n')[0]);
    const command = `/proc/${pid}/cmdline`;
    // The number may have gone to another process since.
    return pid > 0 && existsSync(command) && readFileSync(command, 'utf8').includes(this.folder) ? pid : undefined;
  }

  /** Kills PostgreSQL with SIGKILL; the server starts it again by itself. */
  async killPostgres(): Promise<void> {
    await until('PostgreSQL being there to be killed', 30_000, () => this.postgresPid() !== undefined);
    const pid = this.postgresPid() as number;
    process.kill(pid, 'SIGKILL');
    await until('the end of PostgreSQL', 10_000, () => !isRunning(pid) || this.postgresPid() !== pid);
  }

  /** Kills PostgreSQL with SIGKILL and keeps it from coming back until the returned function is called. */
  async takePostgresAway(): Promise<() => void> {
    const settings = join(this.folder, 'postgres/postgresql.conf');
    const saved = join(this.folder, 'postgresql.conf.saved');
    copyFileSync(settings, saved);
    appendFileSync(settings, '\nno_such_setting_of_postgresql = 1\n');
    await this.killPostgres();
    return () => copyFileSync(saved, settings);
  }

  /** Ends everything by its id and takes the data away. */
  async dispose(): Promise<void> {
    try {
      await this.stop();
    } catch {
      await this.kill();
    }
    const postgres = this.postgresPid();
    if (postgres !== undefined) {
      process.kill(postgres, 'SIGQUIT');
      await until('the end of the PostgreSQL that was left', STOP_MS, () => !isRunning(postgres));
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}
