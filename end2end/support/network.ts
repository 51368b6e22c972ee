// A network beside this machine's own, with two ways out: what a laptop has that goes from the cable to the air. Only root makes one.

import { execFile } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Of the range for measurements of networks (RFC 2544): it is nobody's. */
const RANGE = '198.18';
const WAYS = [1, 2] as const;
type Way = (typeof WAYS)[number];

/** The two ends of a way; names of interfaces have 15 letters at most. */
const outside = (way: Way, pid = process.pid) => `tko${way}-${pid % 1_000_000}`;
const inside = (way: Way, pid = process.pid) => `tki${way}-${pid % 1_000_000}`;

export class Network {
  /** Where this machine is reached from both ways. */
  readonly host = `${RANGE}.0.1`;
  private readonly name = `takings-${process.pid}`;
  private readonly folder = mkdtempSync(join(tmpdir(), 'takings-net-'));

  private within = (...args: string[]) => run('ip', ['-n', this.name, ...args]);

  /** Makes it, with the first way in use, after taking away what a run that was ended has left. */
  async open(): Promise<void> {
    const { stdout } = await run('ip', ['netns', 'list']);
    for (const [name, pid] of stdout.matchAll(/^takings-(\d+)/gm)) {
      if (!existsSync(`/proc/${pid}`)) await this.remove(name, Number(pid));
    }
    await run('ip', ['address', 'replace', `${this.host}/32`, 'dev', 'lo']);
    await run('ip', ['netns', 'add', this.name]);
    await this.within('link', 'set', 'lo', 'up');
    for (const way of WAYS) {
      await run('ip', ['link', 'add', outside(way), 'type', 'veth', 'peer', 'name', inside(way), 'netns', this.name]);
      await run('ip', ['address', 'add', `${RANGE}.${way}.1/24`, 'dev', outside(way)]);
      await run('ip', ['link', 'set', outside(way), 'up']);
      await this.within('address', 'add', `${RANGE}.${way}.2/24`, 'dev', inside(way));
    }
    await this.take(1);
  }

  private async take(way: Way): Promise<void> {
    await this.within('link', 'set', inside(way), 'up');
    await this.within('route', 'replace', 'default', 'via', `${RANGE}.${way}.1`);
  }

  /** Goes from the first way to the second: another interface and another address. */
  async change(): Promise<void> {
    await this.within('link', 'set', inside(1), 'down');
    await this.take(2);
  }

  /** A program that runs another one within the network. */
  program(path: string): string {
    const script = join(this.folder, 'run');
    writeFileSync(script, `#!/bin/sh\nexec ip netns exec ${this.name} ${path} "$@"\n`);
    chmodSync(script, 0o755);
    return script;
  }

  /** The namespace goes when its last process has; the links must not outlast the test. */
  private async remove(name: string, pid: number): Promise<void> {
    for (const way of WAYS) await run('ip', ['link', 'delete', outside(way, pid)]).catch(() => undefined);
    await run('ip', ['netns', 'delete', name]).catch(() => undefined);
  }

  async close(): Promise<void> {
    await this.remove(this.name, process.pid);
    await run('ip', ['address', 'delete', `${this.host}/32`, 'dev', 'lo']).catch(() => undefined);
    rmSync(this.folder, { recursive: true, force: true });
  }
}
