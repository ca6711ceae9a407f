/** What an open node is made of: makes the actors, the network's place and the read models, and wires them. */

import { Alarms } from './actors/alarms.ts';
import type { Bus } from './actors/bus.ts';
import { type Clock, systemClock, WatchedClock } from './actors/clock.ts';
import { readHints } from './actors/invites.ts';
import { Market } from './actors/market/market.ts';
import { Groups } from './actors/node/groups.ts';
import { Identities } from './actors/node/identities.ts';
import { sealingDoubt } from './actors/node/sealing-doubt.ts';
import { Supervisor } from './actors/node/supervisor.ts';
import { Outbox } from './actors/outbox.ts';
import { Presences } from './actors/presence/presences.ts';
import { SealersHeard } from './actors/sealers-heard.ts';
import { TaskBoards } from './actors/tasks/task-boards.ts';
import type { Telemetry } from './actors/telemetry.ts';
import { systemTimers, type Timers } from './actors/timers.ts';
import type { Keystore } from './crypto/keystore.ts';
import type { Verifier } from './crypto/verifier.ts';
import type { MomentEvent } from './events/bus.ts';
import type { Hex32 } from './events/bytes.ts';
import { NetworkSlot } from './protocol/network-slot.ts';
import { type NetworkPort, networkPort } from './protocol/port.ts';
import { readClockRecord } from './storage/clock-record.ts';
import { DamageNotes } from './storage/damage-notes.ts';
import { type DirectoryLayout, recordChain, recordRestored } from './storage/directory.ts';
import type { Durability } from './storage/environment.ts';
import type { Lock } from './storage/lock.ts';
import type { Store } from './storage/store.ts';
import type { EmbedderOptions } from './views/meaning/embedder.ts';
import { Views } from './views/views.ts';

export interface OpenOptions {
  readonly data: string;
  /** Needed where the keys are encrypted; without it the node opens for reading. */
  readonly password?: string;
  /** `flush` (default): a receipt means that the disk has it. `commit`: the operating system has it. */
  readonly durability?: Durability;
  readonly lingerMs?: number;
  /** Threads that verify signatures; as many as cores, if not given. */
  readonly threads?: number;
  /** How long to wait for another owner of the directory to go, milliseconds. */
  readonly waitMs?: number;
  readonly clock?: Clock;
  readonly timers?: Timers;
  /** How far the wall clock may move against the monotonic clock before nothing is sealed any more. */
  readonly maxClockDriftMs?: number;
  /** Where the search by meaning has its model from; the built-in one, if not given. */
  readonly embedder?: EmbedderOptions;
  /** Who observes what the node does. */
  readonly telemetry?: Telemetry;
}

/** What `open` has got hold of, and `close` gives back. */
export interface Resources {
  readonly layout: DirectoryLayout;
  readonly lock: Lock;
  readonly store: Store;
  readonly keystore: Keystore;
  readonly verifier: Verifier;
  readonly options: OpenOptions;
}

export interface NodeParts {
  readonly clock: WatchedClock;
  readonly supervisor: Supervisor;
  readonly alarms: Alarms;
  readonly identities: Identities;
  readonly outbox: Outbox;
  readonly tasks: TaskBoards;
  readonly presences: Presences;
  readonly groups: Groups;
  readonly market: Market;
  readonly networkPort: NetworkPort;
  readonly networkSlot: NetworkSlot;
  readonly views: Views;
}

/** Makes everything that runs between `open` and `close`. Nothing of it has started yet but the timers. */
export function compose(resources: Resources, bus: Bus): NodeParts {
  const { layout, store, keystore, verifier, options } = resources;
  const { timers = systemTimers, lingerMs, telemetry } = options;
  const tell = (event: MomentEvent): void => bus.moment(event);
  const clock = watchedClock(resources, tell);
  const supervisor = new Supervisor({ clock, timers });
  const alarms = new Alarms(clock, timers);
  const identities = new Identities(keystore);
  const readerOf = (groupId: Hex32) => store.group(groupId);
  const outbox = new Outbox({
    map: store.outbox,
    bus,
    clock,
    group: readerOf,
    signerOf: (publicKey) => identities.signerOf(publicKey),
  });
  const watched = { alarms, clock, timers, supervisor, readerOf, tell };
  const tasks = new TaskBoards({ ...watched, groupIds: () => groups.ids() });
  const presences = new Presences({ ...watched, send: (groupId, beat) => bus.beat({ groupId, beat }) });
  const sealersHeard = new SealersHeard({ store, clock });
  const shared = { store, clock, bus, identities, presences, outbox, sealersHeard };
  const hints = () => networkSlot.current?.hints() ?? readHints(store.network);
  const groups: Groups = new Groups({
    ...shared,
    verifier,
    noteChain: () => recordChain(layout),
    noteForgotten: () => recordRestored(layout),
    damage: new DamageNotes(layout.damage),
    lingerMs,
    telemetry,
    supervisor,
    tasks,
    market: () => market,
    hints,
    compareViews: (groupId) => views.compare(groupId),
  });
  const market = new Market({
    ...shared,
    timers,
    alarms,
    hints,
    groupIds: () => groups.ids(),
    chain: (groupId) => groups.chain(groupId),
    signerOf: (publicKey) => identities.signerOf(publicKey),
    signerNamed: (nameOrKey) => identities.signerNamed(nameOrKey),
  });
  const port = networkPort({ ...shared, verifier, keystore, groups, market });
  const networkSlot: NetworkSlot = new NetworkSlot(port, telemetry);
  const views = readModels(resources, bus, tell);
  telemetry?.clockWatched(() => !store.isClosed && sealingDoubt(clock, groups) !== undefined);
  return {
    ...{ clock, supervisor, alarms, identities, outbox, tasks, presences, groups, market },
    ...{ networkPort: port, networkSlot, views },
  };
}

function watchedClock(
  { layout, options: { clock, maxClockDriftMs } }: Resources,
  tell: (event: MomentEvent) => void,
): WatchedClock {
  const known = readClockRecord(layout.clock);
  const watched = new WatchedClock(clock ?? systemClock, maxClockDriftMs, known);
  watched.onChange = (error) =>
    tell(
      error === undefined
        ? { kind: 'clock.restored' }
        : { kind: 'clock.jumped', jumpMs: error.jumpMs, message: error.message },
    );
  return watched;
}

/** Where the search by meaning has its model from. */
export function embedderOf({ embedder = { kind: 'builtin' } }: OpenOptions): EmbedderOptions {
  return embedder;
}

function readModels({ layout, options }: Resources, bus: Bus, tell: (event: MomentEvent) => void): Views {
  const { durability = 'flush', telemetry } = options;
  const views = new Views({ ...layout, durability, tell, embedder: embedderOf(options) });
  bus.head$.subscribe((head) => {
    views.grew(head);
    if (head.hasClaims) views.claimsCame(head.groupId);
  });
  bus.artifacts$.subscribe((groupId) => views.textsCame(groupId));
  telemetry?.viewsOpened({ lag: () => views.lag() });
  return views;
}
