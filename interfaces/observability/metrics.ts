/**
 * Metrics for Prometheus: the telemetry port on one side, text for a scrape on the other.
 *
 * What happens is counted as it happens; what has a present value (heads, queues, memory) is asked for when
 * somebody scrapes. The number of series is bounded: only the first groups have a label of their own, all others
 * are counted as `other`, and refusals are told apart by their code, of which there is a closed list.
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { ChainGauges, NetworkGauges, Telemetry, ViewsGauges } from '../../actors/telemetry.ts';
import { type Hex32, isHex32 } from '../../events/bytes.ts';
import { type RequestTelemetry, requestTelemetry } from './requests.ts';

export interface MetricsOptions {
  /** Groups with a label of their own. */
  readonly groupsMax: number;
  /** Values that others know, by the name of their metric: asked for at every scrape. */
  readonly gauges?: Readonly<Record<string, { readonly help: string; value(): number }>>;
}

export interface Metrics {
  /** Everything but traces. */
  readonly telemetry: Omit<Telemetry, 'traceSubmission'>;
  readonly requests: RequestTelemetry;
  readonly contentType: string;
  /** All metrics in the text format of Prometheus. */
  text(): Promise<string>;
}

/** The label of all groups that have none of their own. */
const OTHER = 'other';
/** Digits of a group's id in its label: enough to find it by. */
const LABEL_DIGITS = 16;
/** From one flush of a fast disk to a disk that hangs, seconds. */
const COMMIT_SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10];
const VERIFY_SECONDS = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1];
/** How often the delay of the event loop is sampled. Finer costs an idle node more than it tells. */
const EVENT_LOOP_SAMPLE_MS = 100;

const MISNAMED = [
  'nodejs_active_resources_total',
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
];

let processRegistry: Registry | undefined;

/** Memory, processor and event loop: they are the process's, however many nodes it runs, and are read once. */
function processMetrics(): Registry {
  if (processRegistry !== undefined) return processRegistry;
  processRegistry = new Registry();
  collectDefaultMetrics({ register: processRegistry, eventLoopMonitoringPrecision: EVENT_LOOP_SAMPLE_MS });
  // Gauges under names of counters, which Prometheus's own check refuses; the same numbers are there by kind.
  for (const name of MISNAMED) processRegistry.removeSingleMetric(name);
  return processRegistry;
}

export function createMetrics(options: MetricsOptions): Metrics {
  const registry = new Registry();
  const groups = new GroupLabels(options.groupsMax);
  const work = workTelemetry(registry, groups);
  const chains = chainTelemetry(registry, groups);
  const clock = clockTelemetry(registry);
  const views = viewsTelemetry(registry, groups);
  const network = networkTelemetry(registry, groups);
  for (const [name, { help, value }] of Object.entries(options.gauges ?? {}))
    addGauge(registry, name, help, value);
  return {
    telemetry: { ...work, ...chains, ...clock, ...views, ...network },
    requests: requestTelemetry(registry),
    contentType: registry.contentType,
    text: async () => `${await registry.metrics()}\n${await processMetrics().metrics()}`,
  };
}

/** Which groups have a label of their own: the first that came. */
class GroupLabels {
  private readonly max: number;
  private readonly labels = new Map<Hex32, string>();

  constructor(max: number) {
    this.max = max;
  }

  of(groupId: Hex32): string {
    const known = this.labels.get(groupId);
    if (known !== undefined) return known;
    if (this.labels.size >= this.max) return OTHER;
    const label = groupId.slice(0, LABEL_DIGITS);
    this.labels.set(groupId, label);
    return label;
  }
}

function addGauge(registry: Registry, name: string, help: string, value: () => number): Gauge {
  return new Gauge({
    name,
    help,
    registers: [registry],
    collect() {
      this.set(value());
    },
  });
}

type WorkTelemetry = Pick<
  Telemetry,
  'committed' | 'transactionRefused' | 'blockRefused' | 'verifyStarted' | 'verifyEnded'
>;

function workTelemetry(registry: Registry, groups: GroupLabels): WorkTelemetry {
  const registers = [registry];
  const byGroup = (name: string, help: string) =>
    new Counter({ name, help, labelNames: ['group'], registers });
  const byCode = (name: string, help: string) => new Counter({ name, help, labelNames: ['code'], registers });
  const count = (name: string, help: string) => new Counter({ name, help, registers });
  const blocks = byGroup('lb_blocks_total', 'Blocks committed since the start.');
  const transactions = byGroup('lb_transactions_total', 'Transactions committed since the start.');
  const operations = byGroup('lb_operations_total', 'Operations committed since the start.');
  const refusals = byCode('lb_refusals_total', 'Transactions refused since the start, by code.');
  const blockRefusals = byCode(
    'lb_block_refusals_total',
    'Blocks from elsewhere that were refused, by code.',
  );
  const checked = count('lb_verify_signatures_total', 'Signatures checked since the start.');
  const invalid = count('lb_verify_invalid_total', 'Signatures that were not valid.');
  const failed = count('lb_verify_failed_total', 'Signatures left unchecked, because the verifier failed.');
  const commitSeconds = new Histogram({
    name: 'lb_commit_seconds',
    help: 'From handing a commit to storage until it was flushed.',
    buckets: COMMIT_SECONDS,
    registers,
  });
  const verifySeconds = new Histogram({
    name: 'lb_verify_seconds',
    help: 'How long a batch of signatures waited for its answer.',
    buckets: VERIFY_SECONDS,
    registers,
  });
  let queued = 0;
  addGauge(registry, 'lb_verify_queue', 'Signatures that wait for their answer.', () => queued);
  return {
    committed(commit) {
      const group = groups.of(commit.groupId);
      blocks.inc({ group }, commit.blocks);
      transactions.inc({ group }, commit.transactions);
      operations.inc({ group }, commit.operations);
      commitSeconds.observe(commit.latencyMs / 1000);
    },
    transactionRefused: (code) => refusals.inc({ code }),
    blockRefused: (code) => blockRefusals.inc({ code }),
    verifyStarted(signatures) {
      queued += signatures;
    },
    verifyEnded(signatures, latencyMs, bad) {
      queued -= signatures;
      if (bad === undefined) {
        failed.inc(signatures);
        return;
      }
      checked.inc(signatures);
      invalid.inc(bad);
      verifySeconds.observe(latencyMs / 1000);
    },
  };
}

function chainTelemetry(
  registry: Registry,
  groups: GroupLabels,
): Pick<Telemetry, 'chainLoaded' | 'chainClosed'> {
  const loaded = new Map<Hex32, ChainGauges>();
  const registers = [registry];
  new Gauge({
    name: 'lb_groups',
    help: 'Groups that are open, by what they are at.',
    labelNames: ['status'],
    registers,
    collect() {
      this.reset();
      for (const { status } of loaded.values()) this.inc({ status });
    },
  });
  new Gauge({
    name: 'lb_head_height',
    help: 'The height of the last block on disk; of other groups, the highest.',
    labelNames: ['group'],
    registers,
    collect() {
      this.reset();
      const heights = new Map<string, number>();
      for (const { groupId, head } of loaded.values()) {
        const group = groups.of(groupId);
        heights.set(group, Math.max(head.height, heights.get(group) ?? 0));
      }
      for (const [group, height] of heights) this.set({ group }, height);
    },
  });
  addGauge(registry, 'lb_submissions_waiting', 'Transactions that wait to be sealed, of all groups.', () =>
    [...loaded.values()].reduce((sum, { waiting }) => sum + waiting, 0),
  );
  return {
    chainLoaded(gauges) {
      loaded.set(gauges.groupId, gauges);
      groups.of(gauges.groupId);
    },
    chainClosed: (groupId) => void loaded.delete(groupId),
  };
}

/** A node whose clock nobody vouches for is up, and seals nothing. */
function clockTelemetry(registry: Registry): Pick<Telemetry, 'clockWatched'> {
  let isInDoubt = (): boolean => false;
  addGauge(
    registry,
    'lb_clock_uncertain',
    'Whether nothing is sealed, because the clock jumped or nothing vouches for it.',
    () => Number(isInDoubt()),
  );
  return {
    clockWatched(ask) {
      isInDoubt = ask;
    },
  };
}

/** Gauges of the read models: of groups without a label of their own, all together. */
function viewsTelemetry(registry: Registry, groups: GroupLabels): Pick<Telemetry, 'viewsOpened'> {
  let views: ViewsGauges | undefined;
  const addLag = (name: string, help: string, of: 'blocks' | 'claims'): void => {
    new Gauge({
      name,
      help,
      labelNames: ['group'],
      registers: [registry],
      collect() {
        this.reset();
        for (const lag of views?.lag() ?? []) this.inc({ group: groups.of(lag.groupId) }, lag[of]);
      },
    });
  };
  addLag('lb_views_lag_blocks', 'Blocks that are not indexed yet.', 'blocks');
  addLag('lb_views_lag_claims', 'Claims that are found by words and not by meaning yet.', 'claims');
  return {
    viewsOpened(gauges) {
      views = gauges;
    },
  };
}

/** These metrics are there for as long as there is a network: a node without one has no peers to be short of. */
function networkTelemetry(
  registry: Registry,
  groups: GroupLabels,
): Pick<Telemetry, 'networkStarted' | 'networkStopped'> {
  const names = new Set<string>();
  const networkStopped = (): void => {
    for (const name of names) registry.removeSingleMetric(name);
  };
  const gauge = (name: string, help: string, value: () => number): void => {
    names.add(name);
    addGauge(registry, name, help, value);
  };
  const labelled = (name: string, help: string, label: string, values: () => Iterable<[string, number]>) => {
    names.add(name);
    new Gauge({
      name,
      help,
      labelNames: [label],
      registers: [registry],
      collect() {
        this.reset();
        for (const [value, amount] of values()) this.inc({ [label]: value }, amount);
      },
    });
  };
  return {
    networkStopped,
    networkStarted(network: NetworkGauges) {
      networkStopped();
      gauge('lb_peers', 'Peers that are connected.', () => network.peers());
      gauge('lb_outbox_depth', 'Transactions that wait for a sealer elsewhere.', () => network.outboxDepth());
      gauge('lb_artifacts_missing', 'Artifacts that the histories name and that are not here.', () =>
        network.artifactsMissing(),
      );
      const lag =
        'Blocks that are known of and not here yet, and at least 1 where nobody can say how many: cut off, a silent sealer, a rest, a removal. Of other groups, all together.';
      labelled('lb_sync_lag_blocks', lag, 'group', () =>
        Array.from(network.syncLag(), ([groupId, blocks]) => [groups.of(groupId), blocks]),
      );
      const silence = 'How long the sealer of a group was not heard; of other groups, the longest.';
      labelled('lb_sealer_silent_seconds', silence, 'group', () =>
        longest(network.sealerSilence?.() ?? [], (groupId) => groups.of(groupId)),
      );
      defenceMetrics(network, gauge, labelled);
    },
  };
}

/** By label, the longest of spans that share one; seconds. */
function longest(
  spans: Iterable<readonly [groupId: Hex32, forMs: number]>,
  labelOf: (groupId: Hex32) => string,
): Map<string, number> {
  const byLabel = new Map<string, number>();
  for (const [groupId, forMs] of spans) {
    const label = labelOf(groupId);
    byLabel.set(label, Math.max(byLabel.get(label) ?? 0, forMs / 1000));
  }
  return byLabel;
}

/** Offenders that have a series of their own; there is no end to the keys that one can make. */
const NAMED_MAX = 32;

/** What the network does against those who misbehave, and who they are. */
function defenceMetrics(
  network: NetworkGauges,
  gauge: (name: string, help: string, value: () => number) => void,
  labelled: (name: string, help: string, label: string, values: () => Iterable<[string, number]>) => void,
): void {
  gauge(
    'lb_peer_bans',
    'How often peers were shut out since the network started.',
    () => network.defence().bans,
  );
  gauge(
    'lb_peer_rate_limited',
    'Requests of peers that came too fast, since the network started.',
    () => network.defence().rateLimited,
  );
  gauge(
    'lb_peer_connections_refused',
    'Connections that were refused since the network started: too many, or of a peer who is shut out.',
    () => network.defence().connectionsRefused,
  );
  labelled('lb_peer_banned_seconds', 'For how long a peer is shut out yet.', 'peer', () =>
    Array.from(network.banned(), ([peer, forMs]): [string, number] => [
      peer.slice(0, LABEL_DIGITS),
      forMs / 1000,
    ]).slice(-NAMED_MAX),
  );
  const suspected = 'How often a peer, or an address without a proved key, did what honest ones seldom do.';
  labelled('lb_peer_suspected', suspected, 'who', () =>
    Array.from(network.suspected(), ([who, times]): [string, number] => [
      isHex32(who) ? who.slice(0, LABEL_DIGITS) : who,
      times,
    ]).slice(-NAMED_MAX),
  );
}
