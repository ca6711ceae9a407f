/**
 * Whether a node is well, and whether it can take work: for monitors, for HTTP, for whoever restarts or routes.
 *
 *   ok        nothing to do
 *   degraded  it works; somebody should look at it
 *   failed    it cannot do what it is for
 *
 * Health asks the machine anew each time, with one small file written and flushed; a second is a fine interval.
 * It speaks for a node that runs, and its answer is read by programs. `lb doctor` (interfaces/cli/health) speaks to a
 * person, also of a node that does not open: it takes storage, clock and the limits of room from here, looks closer
 * at the rest, and says what to do.
 */
import { randomUUID } from 'node:crypto';
import { open, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { Hex32 } from '../../events/bytes.ts';
import { errnoName, errnoReason, type FileAction } from '../../events/errno.ts';
import { everyName, type Names, stepOf, TRUST_CLOCK } from '../operations/next-steps.ts';

export type HealthStatus = 'ok' | 'degraded' | 'failed';
export type CheckName = 'storage' | 'disk_space' | 'clock' | 'groups' | 'keys' | 'network';

export interface Check {
  readonly name: CheckName;
  readonly status: HealthStatus;
  /** What was found, one line. */
  readonly detail: string;
  /** What to do about it, where the node itself has a way. */
  readonly next?: string;
}

export interface Health {
  /** The worst of the checks. */
  readonly status: HealthStatus;
  readonly checks: readonly Check[];
}

export interface Readiness {
  /** Whether the node can take a transaction, seal it and keep it. */
  readonly ready: boolean;
  /** What keeps it from that, one line each. */
  readonly reasons: readonly string[];
}

/** What is asked of the node; `BatteryNode` answers all of it. */
export interface HealthSubject {
  readonly isLocked: boolean;
  /** What keeps the groups that it seals from being sealed by the clock as it is. */
  readonly sealingDoubt: { readonly message: string } | undefined;
  loadedGroups(): readonly {
    readonly groupId: Hex32;
    info(): { readonly status: string; readonly haltReason: string | undefined };
  }[];
  /** The network, where it runs. */
  readonly network?: { status(): NetworkHealth } | undefined;
}

/** What of the network counts. */
export interface NetworkHealth {
  readonly peers: readonly unknown[];
  readonly groups: readonly {
    readonly groupId: Hex32;
    readonly isSealedHere: boolean;
    readonly status: string;
    readonly sources: readonly Hex32[];
    readonly pending: number;
    readonly isSealerSilent?: boolean;
    readonly sealerHeardMs?: number | undefined;
    readonly removal?: unknown;
  }[];
}

/** Below this, look after it. */
export const DISK_FREE_BYTES_LOW = 1024 ** 3;
/** Below this, a busy node fills the disk within minutes, and nothing more is sealed. */
export const DISK_FREE_BYTES_MIN = 128 * 1024 ** 2;
/** Halted groups that are named; the rest is counted. */
const GROUPS_NAMED_MAX = 5;

const SEVERITY: readonly HealthStatus[] = ['ok', 'degraded', 'failed'];

/**
 * Looks at everything.
 * @param data the data directory
 * @param names what operations are called where the answer is read
 */
export async function health(node: HealthSubject, data: string, names: Names = everyName): Promise<Health> {
  const checks = [
    await checkStorage(data),
    await checkDiskSpace(data),
    checkClock(node, names),
    checkGroups(node),
    checkKeys(node),
    ...checkNetwork(node),
  ];
  const worst = Math.max(...checks.map(({ status }) => SEVERITY.indexOf(status)));
  return { status: SEVERITY[worst]!, checks };
}

/** Whether work can be sent here: groups that are halted do not count as long as another one is not. */
export async function ready(node: HealthSubject, data: string): Promise<Readiness> {
  const { checks } = await health(node, data);
  const reasons = checks.filter(
    ({ name, status }) => status === 'failed' || (name === 'keys' && status !== 'ok'),
  );
  return { ready: reasons.length === 0, reasons: reasons.map(({ detail }) => detail) };
}

/** Writes, flushes and removes a file: only that finds a full quota, a disk that went read-only, a lost mount. */
export async function checkStorage(data: string): Promise<Check> {
  const name = 'storage';
  const probe = join(data, `.health-${randomUUID()}`);
  try {
    const file = await open(probe, 'wx', 0o600);
    try {
      await file.write('probe');
      await file.sync();
    } finally {
      await file.close();
      await rm(probe, { force: true });
    }
    return { name, status: 'ok', detail: 'the data directory can be written' };
  } catch (error) {
    return {
      name,
      status: 'failed',
      detail: `the data directory cannot be written: ${reasonOf(error, 'write')}`,
    };
  }
}

async function checkDiskSpace(data: string): Promise<Check> {
  const name = 'disk_space';
  try {
    const { bavail, bsize } = await statfs(data);
    const freeBytes = bavail * bsize;
    const status =
      freeBytes < DISK_FREE_BYTES_MIN ? 'failed' : freeBytes < DISK_FREE_BYTES_LOW ? 'degraded' : 'ok';
    return { name, status, detail: `${Math.floor(freeBytes / 1024 ** 2)} MiB are free` };
  } catch (error) {
    return {
      name,
      status: 'failed',
      detail: `the disk does not say how much is free: ${reasonOf(error, 'read')}`,
    };
  }
}

/** Whether the system clock jumped while the node ran, or shows a time that nothing vouches for. */
export function checkClock({ sealingDoubt }: Pick<HealthSubject, 'sealingDoubt'>, names = everyName): Check {
  if (sealingDoubt === undefined) return { name: 'clock', status: 'ok', detail: 'the clock is steady' };
  return {
    name: 'clock',
    status: 'failed',
    detail: sealingDoubt.message,
    next: stepOf(TRUST_CLOCK, names),
  };
}

function checkGroups(node: HealthSubject): Check {
  const groups = node.loadedGroups().map((group) => ({ groupId: group.groupId, ...group.info() }));
  const halted = groups.filter(({ status }) => status === 'halted');
  if (halted.length === 0)
    return { name: 'groups', status: 'ok', detail: `groups open: ${groups.length}; none is halted` };
  const named = halted
    .slice(0, GROUPS_NAMED_MAX)
    .map(({ groupId, haltReason }) => `${groupId.slice(0, 8)}: ${haltReason ?? 'no reason given'}`);
  const detail = `groups halted: ${halted.length} of ${groups.length} (${named.join('; ')})`;
  return { name: 'groups', status: halted.length === groups.length ? 'failed' : 'degraded', detail };
}

function checkKeys({ isLocked }: HealthSubject): Check {
  return isLocked
    ? { name: 'keys', status: 'degraded', detail: 'the keys are locked: the node reads, but signs nothing' }
    : { name: 'keys', status: 'ok', detail: 'the keys are open' };
}

/** A node whose groups others seal needs somebody to fetch them from, and to send its work to. */
function checkNetwork({ network }: HealthSubject): Check[] {
  if (network === undefined) return [];
  const { peers, groups } = network.status();
  const others = groups.filter(({ isSealedHere }) => !isSealedHere);
  const removed = others.filter(({ removal }) => removal !== undefined);
  const foreign = others.filter(({ removal }) => removal === undefined);
  const silent = foreign.filter(
    ({ isSealerSilent, status }) => isSealerSilent === true && status !== 'paused',
  );
  const lonely = foreign.filter(({ sources, status }) => sources.length === 0 && status !== 'paused');
  const waiting = foreign.reduce((sum, { pending }) => sum + pending, 0);
  const named = (some: readonly { readonly groupId: Hex32 }[]): string =>
    some
      .slice(0, GROUPS_NAMED_MAX)
      .map(({ groupId }) => groupId.slice(0, 8))
      .join(', ');
  const wrong = [
    lonely.length > 0 &&
      `groups without a connected peer who has them: ${lonely.length} of ${foreign.length} (${named(lonely)})`,
    silent.length > 0 &&
      `groups whose sealer is silent: ${silent.length} of ${foreign.length} (${silent.slice(0, GROUPS_NAMED_MAX).map(heardInWords).join(', ')})`,
    removed.length > 0 && `groups that this node was removed from: ${removed.length} (${named(removed)})`,
  ].filter((part) => part !== false);
  const detail =
    wrong.length > 0
      ? [...wrong, `transactions that wait for their sealers: ${waiting}`].join('; ')
      : `peers connected: ${peers.length}; every group that others seal has a source`;
  return [{ name: 'network', status: wrong.length > 0 ? 'degraded' : 'ok', detail }];
}

function heardInWords({ groupId, sealerHeardMs }: NetworkHealth['groups'][number]): string {
  const when = sealerHeardMs === undefined ? 'never heard' : `heard ${new Date(sealerHeardMs).toISOString()}`;
  return `${groupId.slice(0, 8)} ${when}`;
}

function reasonOf(error: unknown, action: FileAction): string {
  const name = errnoName(error);
  return name === undefined ? (error as Error).message : errnoReason(name, action);
}
