// A network beside this machine's own, with two ways out: what a laptop has that goes from the cable to the air. Only root makes one.

import { execFile } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Of the range for measurements of networks (RFC 2544): it is nobody's. */
const RANGE = '198.18';
const WAYS = [1, 2] as const;
type Way = (typeof WAYS)[number];

export class Network {
  /** Where this machine is reached from both ways. */
  readonly host = `${RANGE}.0.1`;
  private readonly name = `takings-${process.pid}`;
  private readonly folder = mkdtempSync(join(tmpdir(), 'takings-net-'));

  private outside = (way: Way) => `tko${way}-${process.pid % 10_000}`;
  private inside = (way: Way) => `tki${way}-${process.pid % 10_000}`;
  private within = (...args: string[]) => run('ip', ['-n', this.name, ...args]);

  /** Makes it, with the first way in use. */
  async open(): Promise<void> {
    await run('ip', ['address', 'replace', `${this.host}/32`, 'dev', 'lo']);
    await run('ip', ['netns', 'add', this.name]);
    await this.within('link', 'set', 'lo', 'up');
    for (const way of WAYS) {
      await run('ip', ['link', 'add', this.outside(way), 'type', 'veth', 'peer', 'name', this.inside(way), 'netns', this.name]);
      await run('ip', ['address', 'add', `${RANGE}.${way}.1/24`, 'dev', this.outside(way)]);
      await run('ip', ['link', 'set', this.outside(way), 'up']);
      await this.within('address', 'add', `${RANGE}.${way}.2/24`, 'dev', this.inside(way));
    }
    await this.take(1);
  }

  private async take(way: Way): Promise<void> {
    await this.within('link', 'set', this.inside(way), 'up');
    await this.within('route', 'replace', 'default', 'via', `${RANGE}.${way}.1`);
  }

  /** Goes from the first way to the second: another interface and another address. */
  async change(): Promise<void> {
    await this.within('link', 'set', this.inside(1), 'down');
    await this.take(2);
  }

  /** A program that runs another one within the network. */
  program(path: string): string {
    const script = join(this.folder, 'run');
    writeFileSync(script, `#!/bin/sh\nexec ip netns exec ${this.name} ${path} "$@"\n`);
    chmodSync(script, 0o755);
    return script;
  }

  async close(): Promise<void> {
    // The namespace goes when its last process has; the links must not outlast the test.
    for (const way of WAYS) await run('ip', ['link', 'delete', this.outside(way)]).catch(() => undefined);
    await run('ip', ['netns', 'delete', this.name]).catch(() => undefined);
    await run('ip', ['address', 'delete', `${this.host}/32`, 'dev', 'lo']).catch(() => undefined);
    rmSync(this.folder, { recursive: true, force: true });
  }
}
