/**
 * Everything that watches a node, opened from its configuration and closed as one.
 *
 *   const observability = await startObservability(config);
 *   const node = await BatteryNode.open({ data, ...nodeOptions(config), telemetry: observability.telemetry });
 *   await observability.attach(node, data);
 *   …
 *   await node.close();
 *   await observability.close();
 *
 * It comes before the node, since a node tells whom it tells from its first block on, and goes after it, so that
 * its end is logged as well.
 */
import { noTelemetry, type Telemetry } from '../../actors/telemetry.ts';
import type { BatteryNode } from '../../node.ts';
import type { Config } from '../config/load.ts';
import { type Endpoint, openEndpoint } from './endpoint.ts';
import { type Health, health, type Readiness, ready } from './health.ts';
import { logEvents } from './log-events.ts';
import { type Log, type Logger, openLog } from './logger.ts';
import { createMetrics, type Metrics } from './metrics.ts';
import { submissionTracer } from './tracing.ts';

export interface Observability {
  readonly logger: Logger;
  /** What `BatteryNode.open` takes; nothing where nobody would look at it, and the node then pays nothing. */
  readonly telemetry: Telemetry | undefined;
  readonly metrics: Metrics | undefined;
  /**
   * Logs what happens on the node, and answers monitors where `metrics_port` is set.
   * @throws ConfigError `metrics_port_unusable`
   */
  attach(node: BatteryNode, data: string): Promise<Attached>;
  /** Stops answering, writes what waits, closes the log. */
  close(): Promise<void>;
}

/** A node that is being watched. */
export interface Attached {
  /** The port that monitors ask, if one was asked for. */
  readonly port: number | undefined;
  health(): Promise<Health>;
  ready(): Promise<Readiness>;
}

/**
 * Opens logs, metrics and traces.
 * @throws ConfigError `log_dir_unwritable`
 */
export async function startObservability({ settings }: Config): Promise<Observability> {
  const log = await openLog(settings);
  const { logger } = log;
  const metrics = settings.metrics
    ? createMetrics(metricsOptions(settings.metrics_groups_max, log))
    : undefined;
  const cleanups: (() => Promise<void> | void)[] = [];
  return {
    logger,
    metrics,
    telemetry: telemetryOf(metrics, settings.tracing),
    async attach(node, data) {
      cleanups.push(logEvents(node.bus, logger));
      const answers = { health: () => health(node, data), ready: () => ready(node, data) };
      let endpoint: Endpoint | undefined;
      const { metrics_port: port, metrics_host: host, http_allowed_hosts: hosts } = settings;
      if (port !== undefined && metrics !== undefined) {
        endpoint = await openEndpoint(host, port, { hosts, metrics, ...answers });
        cleanups.push(endpoint.close);
        logger.info({ host, port: endpoint.port }, 'monitors are answered');
      }
      return { port: endpoint?.port, ...answers };
    },
    async close() {
      for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
      await log.close();
    },
  };
}

function metricsOptions(groupsMax: number, { trouble }: Log): Parameters<typeof createMetrics>[0] {
  return {
    groupsMax,
    gauges: {
      lb_log_failed_writes: { help: 'Writes of the log that failed.', value: () => trouble.failedWrites },
      lb_log_dropped_lines: {
        help: 'Lines of the log that were dropped.',
        value: () => trouble.droppedLines,
      },
    },
  };
}

function telemetryOf(metrics: Metrics | undefined, isTracing: boolean): Telemetry | undefined {
  if (metrics === undefined && !isTracing) return undefined;
  const { traceSubmission } = noTelemetry;
  const counted = metrics?.telemetry ?? noTelemetry;
  return { ...counted, traceSubmission: isTracing ? submissionTracer() : traceSubmission };
}
