/**
 * For programs that embed a node and watch it: `import … from 'battery-node/observability'`.
 *
 *   const metrics = createMetrics({ groupsMax: 100 });
 *   const telemetry = { ...noTelemetry, ...metrics.telemetry, traceSubmission: submissionTracer() };
 *   const node = await BatteryNode.open({ data: './lb-data', telemetry });
 */
export { noTelemetry, type Telemetry } from '../../actors/telemetry.ts';
export type { Names } from '../operations/next-steps.ts';
export {
  type Check,
  type CheckName,
  type Health,
  type HealthStatus,
  type HealthSubject,
  health,
  type NetworkHealth,
  type Readiness,
  ready,
} from './health.ts';
export { createMetrics, type Metrics, type MetricsOptions } from './metrics.ts';
export type { HttpGauges, RequestTelemetry, Surface } from './requests.ts';
export { submissionTracer } from './tracing.ts';
