/**
 * Running the committing child, and judging what it left on disk.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, onTestFinished } from 'vitest';
import { utf8 } from '../../events/bytes.ts';
import type { Durability } from '../../storage/environment.ts';
import type { GroupReader } from '../../storage/port.ts';
import { openStore } from '../../storage/store.ts';
import { BLOCK_BYTES, CELLS, GROUP, idAt } from './storage-history.ts';

const CHILD = new URL('./storage-child.ts', import.meta.url).pathname;

/** A directory that goes when the test ends. */
export function scratchDirectory(): string {
  const dir = mkdtempSync(join(tmpdir(), 'storage-crash-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** Mounts a file system of `bytes`; undefined where that is not allowed. */
export function smallDisk(bytes: number): string | undefined {
  const dir = join(scratchDirectory(), 'disk');
  mkdirSync(dir);
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', dir]);
  if (mounted.status !== 0) return undefined;
  onTestFinished(() => void spawnSync('umount', ['-l', dir]));
  return dir;
}

export interface Run {
  readonly dir: string;
  readonly durability?: Durability;
  readonly commits: number;
  readonly inFlight: number;
  /** A command to run the child under, such as strace. */
  readonly under?: readonly string[];
}

export interface Child {
  readonly process: ChildProcess;
  /** What it has said so far. */
  readonly lines: string[];
  /** Resolves when it has said a line for which `holds`; rejects when it ends before. */
  said(holds: (line: string) => boolean): Promise<void>;
  readonly ended: Promise<void>;
}

/** Starts the committing child. */
export function startChild({ dir, durability = 'flush', commits, inFlight, under = [] }: Run): Child {
  return startScript(CHILD, [dir, durability, String(commits), String(inFlight)], under);
}

/** Starts a script on this runtime and listens to what it says. */
export function startScript(script: string, args: readonly string[], under: readonly string[] = []): Child {
  const command = [...under, process.execPath, script, ...args];
  const child = spawn(command[0]!, command.slice(1), { stdio: ['ignore', 'pipe', 'pipe'] });
  const lines: string[] = [];
  const waiting = new Set<() => void>();
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(line);
    for (const look of waiting) look();
  });
  let complaints = '';
  child.stderr.on('data', (chunk) => {
    complaints += String(chunk);
  });
  const ended = new Promise<void>((resolve) => child.on('close', () => resolve()));
  const said = (holds: (line: string) => boolean): Promise<void> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        if (lines.some(holds)) resolve();
      };
      waiting.add(look);
      look();
      void ended.then(() =>
        reject(new Error(`the child ended early; it said ${lines.join(', ')} ${complaints}`)),
      );
    });
  return { process: child, lines, said, ended };
}

/** The greatest height that the child acknowledged, or -1. */
export function lastAck(child: Child): number {
  const acks = child.lines.filter((line) => line.startsWith('ack '));
  return acks.length === 0 ? -1 : Number(acks.at(-1)!.slice(4));
}

/** Opens the store and expects that it holds exactly the commits 0…head; gives the head's height, or -1. */
export async function expectWholeStore(dir: string): Promise<number> {
  const store = openStore(dir, { durability: 'flush' });
  try {
    return store.hasGroup(GROUP) ? expectWhole(store.group(GROUP)) : -1;
  } finally {
    await store.close();
  }
}

/** Expects that `group` holds exactly the commits 0…head, whatever the head is; gives the head's height, or -1. */
export function expectWhole(group: GroupReader): number {
  const head = group.head();
  const height = head?.height ?? -1;
  expect([...group.blocks(0)].map((block) => block.height)).toEqual(
    Array.from({ length: height + 1 }, (_, at) => at),
  );
  expect(group.artifactCount()).toBe(height + 1);
  for (let at = 0; at <= height; at++) {
    expect(group.block(at)).toEqual(new Uint8Array(BLOCK_BYTES).fill(at));
    expect(group.blockId(at)).toBe(Buffer.from(idAt(at, 1)).toString('hex'));
    expect(group.heightOf(idAt(at, 1))).toBe(at);
    expect(group.effects(at)).toEqual(utf8(`written at ${at}`));
    expect(group.txLocation(idAt(at, 3))).toEqual({ height: at, index: 0 });
    expect(group.node(0, at)).toEqual(idAt(at, 4));
    expect(group.artifact(idAt(at, 5))).toEqual(utf8(`written at ${at}`));
  }
  expect(group.txLocation(idAt(height + 1, 3))).toBeUndefined();
  expect(group.node(0, height + 1)).toBeUndefined();
  expect(group.heightOf(idAt(height + 1, 1))).toBeUndefined();
  const cells = [...group.stateRange('cell/')].map(([, value]) => Buffer.from(value).toString());
  expect(cells).toEqual(head ? new Array(CELLS).fill(`written at ${height}`) : []);
  const once = [...group.stateRange('once/')].map(([key]) => key);
  expect(once).toHaveLength(Math.min(10, height + 1));
  if (head) expect(once).toContain(`once/${height}`);
  return height;
}
