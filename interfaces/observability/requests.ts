/**
 * Metrics of what is asked over HTTP: how much, of which surface, with what outcome, and how long it took. The labels
 * are of closed lists, so the number of series is bounded whatever is asked.
 */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

/** What a request was for. */
export type Surface = 'operations' | 'events' | 'mcp' | 'a2a' | 'monitors' | 'other';

/** The present values of the HTTP server, for as long as there is one. */
export interface HttpGauges {
  connections(): { readonly strangers: number; readonly bearers: number };
  streams(): number;
}

export interface RequestTelemetry {
  /** A request was answered, or its connection broke: its status, from 100 to 599. */
  answered(surface: Surface, status: number, latencyMs: number): void;
  /** A tool was called: `ok`, or the code of its failure. */
  toolCalled(code: string): void;
  /** The server is up. */
  httpStarted(gauges: HttpGauges): void;
}

/** From an answer out of memory to one that waited for a slow disk, seconds; whoever waits for work waits for longer. */
const REQUEST_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60];

export function requestTelemetry(registry: Registry): RequestTelemetry {
  const registers = [registry];
  const requests = new Counter({
    name: 'lb_requests_total',
    help: 'Requests over HTTP that were answered, by surface and status.',
    labelNames: ['surface', 'code'],
    registers,
  });
  const seconds = new Histogram({
    name: 'lb_request_seconds',
    help: 'From the headers of a request to the end of its answer; streams end when somebody leaves.',
    labelNames: ['surface'],
    buckets: REQUEST_SECONDS,
    registers,
  });
  const tools = new Counter({
    name: 'lb_tool_calls_total',
    help: 'Tools that were called over MCP, by the code of what came of it.',
    labelNames: ['code'],
    registers,
  });
  let http: HttpGauges | undefined;
  new Gauge({
    name: 'lb_http_connections',
    help: 'Connections to the HTTP interface, with a token and without.',
    labelNames: ['holder'],
    registers,
    collect() {
      const { strangers, bearers } = http?.connections() ?? { strangers: 0, bearers: 0 };
      this.set({ holder: 'stranger' }, strangers);
      this.set({ holder: 'bearer' }, bearers);
    },
  });
  new Gauge({
    name: 'lb_http_streams',
    help: 'Streams of events, and calls that wait for a task, over all protocols.',
    registers,
    collect() {
      this.set(http?.streams() ?? 0);
    },
  });
  return {
    answered(surface, status, latencyMs) {
      requests.inc({ surface, code: String(status) });
      seconds.observe({ surface }, latencyMs / 1000);
    },
    toolCalled: (code) => tools.inc({ code }),
    httpStarted(gauges) {
      http = gauges;
    },
  };
}
