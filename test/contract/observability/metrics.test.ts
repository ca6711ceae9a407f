/** Metrics of a real node say what happened on it, in a bounded number of series; monitors can ask for them. */
import { spawnSync } from 'node:child_process';
import { get } from 'node:http';
import { expect, test } from 'vitest';
import { BLOCK_PREFIX } from '../../../events/block.ts';
import { createMetrics, type Metrics } from '../../../interfaces/observability/metrics.ts';
import { quietNetwork, watchedNode } from './support.ts';

/** The series of a scrape: `name{labels}` and value. */
async function scrape(metrics: Metrics): Promise<Map<string, number>> {
  const text = await metrics.text();
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  const series = lines.map((line): [string, number] => {
    const match = /^([a-z_0-9]+(?:\{[^}]*\})?) (\S+)$/.exec(line);
    expect(match, line).not.toBeNull();
    return [match![1]!, Number(match![2])];
  });
  const names = series.map(([name]) => name);
  expect(new Set(names).size, 'no series twice').toBe(names.length);
  return new Map(series);
}

test('what happened is what is counted', async () => {
  const { node, observability, close } = await watchedNode({});
  const metrics = observability.metrics!;
  const group = await node.createGroup({ name: 'counted' });
  const me = group.as('node');
  await me.createTask({ task: 'one', title: 'One' });
  await me.submit([
    { type: 'profile_set', name: 'a' },
    { type: 'profile_set', name: 'b' },
  ]);
  await me.transfer('ab'.repeat(32), 1_000_000n).catch(() => {});
  const { block } = group.block(1);
  // A signature that is not valid: the sealer's own, over something else.
  await node.signatureVerifier.verify(BLOCK_PREFIX, [
    { payload: new Uint8Array(1), signature: block.signature, publicKey: new Uint8Array(32) },
  ]);
  await group.follow([new Uint8Array(3)]);

  const found = await scrape(metrics);
  const label = `{group="${group.groupId.slice(0, 16)}"}`;
  expect(found.get(`lb_blocks_total${label}`)).toBe(2);
  expect(found.get(`lb_transactions_total${label}`)).toBe(2);
  expect(found.get(`lb_operations_total${label}`)).toBe(3);
  expect(found.get(`lb_head_height${label}`)).toBe(2);
  const refusals = [...found].filter(([name]) => name.startsWith('lb_refusals_total'));
  expect(refusals.map(([, count]) => count)).toEqual([1]);
  expect(found.get('lb_block_refusals_total{code="block_malformed"}')).toBe(1);
  expect(found.get('lb_verify_signatures_total')).toBe(1);
  expect(found.get('lb_verify_invalid_total')).toBe(1);
  expect(found.get('lb_verify_queue')).toBe(0);
  expect(found.get('lb_submissions_waiting')).toBe(0);
  expect(found.get('lb_commit_seconds_count')).toBe(2);
  expect(found.get('lb_commit_seconds_sum')).toBeGreaterThan(0);
  expect(found.get('lb_groups{status="sealing"}')).toBe(1);
  expect(found.get('process_resident_memory_bytes')).toBeGreaterThan(1e6);
  expect(found.get('nodejs_eventloop_lag_seconds')).toBeGreaterThanOrEqual(0);
  await close();
  expect((await scrape(metrics)).has('lb_groups{status="sealing"}')).toBe(false);
});

test('many groups have few series', async () => {
  const { node, observability } = await watchedNode({ metrics_groups_max: '2' });
  const groups = [];
  for (let n = 0; n < 6; n++) groups.push(await node.createGroup({ name: `group ${n}` }));
  for (const group of groups) await group.as('node').setProfile('me');
  const found = await scrape(observability.metrics!);
  const blocks = [...found].filter(([name]) => name.startsWith('lb_blocks_total'));
  expect(blocks).toEqual([
    [`lb_blocks_total{group="${groups[0]!.groupId.slice(0, 16)}"}`, 1],
    [`lb_blocks_total{group="${groups[1]!.groupId.slice(0, 16)}"}`, 1],
    ['lb_blocks_total{group="other"}', 4],
  ]);
  expect([...found].filter(([name]) => name.startsWith('lb_head_height'))).toHaveLength(3);
});

test('the lag of the views is there once their thread has said something', async () => {
  const { node, observability } = await watchedNode({ embedder: 'none' });
  const group = await node.createGroup({ name: 'views' });
  await group.as('node').publishClaim({ text: 'one' });
  const label = `{group="${group.groupId.slice(0, 16)}"}`;
  expect((await scrape(observability.metrics!)).has(`lb_views_lag_blocks${label}`)).toBe(false);
  await node.views.progress(group.groupId);
  const found = await scrape(observability.metrics!);
  expect([found.get(`lb_views_lag_blocks${label}`), found.get(`lb_views_lag_claims${label}`)]).toEqual([
    0, 0,
  ]);
});

test('the network has metrics while there is one', async () => {
  const metrics = createMetrics({ groupsMax: 1 });
  expect((await scrape(metrics)).has('lb_peers')).toBe(false);
  const [one, two, three] = ['11', '22', '33'].map((digits) => digits.repeat(32));
  metrics.telemetry.networkStarted({
    ...quietNetwork,
    peers: () => 4,
    outboxDepth: () => 5,
    defence: () => ({ bans: 3, rateLimited: 0, connectionsRefused: 0 }),
    banned: () => [['ab'.repeat(32), 30_000]],
    syncLag: () => [
      [one!, 6],
      [two!, 7],
      [three!, 8],
    ],
  });
  const found = await scrape(metrics);
  expect([found.get('lb_peers'), found.get('lb_outbox_depth')]).toEqual([4, 5]);
  expect(found.get('lb_sync_lag_blocks{group="1111111111111111"}')).toBe(6);
  expect(found.get('lb_sync_lag_blocks{group="other"}')).toBe(15);
  expect(found.get('lb_peer_bans')).toBe(3);
  expect(found.get('lb_peer_banned_seconds{peer="abababababababab"}')).toBe(30);
  metrics.telemetry.networkStopped();
  expect((await scrape(metrics)).has('lb_peers')).toBe(false);
});

test('a node that nobody watches tells nobody', async () => {
  const { observability } = await watchedNode({ metrics: 'false' });
  expect(observability.metrics).toBeUndefined();
  expect(observability.telemetry).toBeUndefined();
});

test('monitors get their answers over HTTP', async () => {
  const { node, attached, observability, close } = await watchedNode({ metrics_port: '0' });
  const group = await node.createGroup({ name: 'asked' });
  // A group that nobody uses is not loaded, and not counted.
  await group.as('node').setPresence('busy');
  const url = `http://127.0.0.1:${attached.port}`;
  const metrics = await fetch(`${url}/metrics`);
  expect(metrics.headers.get('content-type')).toBe(observability.metrics!.contentType);
  expect(await metrics.text()).toContain('lb_groups{status="sealing"} 1');
  const health = await fetch(`${url}/health?x=1`);
  expect(health.status).toBe(200);
  expect(await health.json()).toMatchObject({ schema_version: 1, data: { checks: expect.any(Array) } });
  expect(await (await fetch(`${url}/ready`)).json()).toMatchObject({ data: { ready: true, reasons: [] } });
  for (const [path, init, status] of [
    ['/', {}, 404],
    ['/metrics', { method: 'POST', body: 'x' }, 405],
    ['/metrics', { headers: { x: 'y'.repeat(20_000) } }, 431],
  ] as const) {
    const refused = await fetch(url + path, init);
    expect([refused.status, refused.headers.get('content-type')]).toEqual([
      status,
      'application/problem+json',
    ]);
    expect(await refused.json()).toMatchObject({ status, code: expect.any(String) });
    if (status === 405) expect(refused.headers.get('allow')).toBe('GET, HEAD');
  }

  const second = watchedNode({ metrics_port: String(attached.port) });
  await expect(second).rejects.toMatchObject({ code: 'metrics_port_unusable' });
  await close();
  await expect(fetch(`${url}/metrics`)).rejects.toThrow();
});

test('monitors ask under a name that the node goes by', async () => {
  const { attached } = await watchedNode({ metrics_port: '0', http_allowed_hosts: 'node.example.com' });
  const { port } = attached;
  const asked = (host: string, path = '/metrics'): Promise<[status: number, body: string]> =>
    new Promise((resolve, reject) => {
      get({ port, host: '127.0.0.1', path, headers: { host } }, (response) => {
        let body = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
        response.on('end', () => resolve([response.statusCode!, body]));
      }).on('error', reject);
    });
  for (const host of [`localhost:${port}`, 'LOCALHOST', '[::1]:1', '192.0.2.7', 'node.example.com:9464'])
    expect((await asked(host))[0], host).toBe(200);
  for (const host of [
    'evil.example.com',
    `localhost.evil.example.com:${port}`,
    '127.0.0.1.evil.example.com',
    '127.0.0.1#x',
  ])
    for (const path of ['/metrics', '/health', '/ready', '/nothing']) {
      const [status, body] = await asked(host, path);
      expect(status, `${host} ${path}`).toBe(403);
      expect(JSON.parse(body)).toMatchObject({ status: 403, code: 'host_refused', next: expect.any(String) });
    }
});

/** Prometheus's own tool, where it is installed. */
const hasPromtool = spawnSync('promtool', ['--version']).status === 0;

test.runIf(hasPromtool)('promtool finds nothing to say about the metrics', async () => {
  const metrics = createMetrics({ groupsMax: 2 });
  metrics.telemetry.networkStarted(quietNetwork);
  metrics.requests.answered('operations', 200, 3);
  metrics.requests.answered('mcp', 401, 1);
  metrics.requests.toolCalled('usage');
  const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], {
    input: await metrics.text(),
    encoding: 'utf8',
  });
  expect([status, stdout, stderr]).toEqual([0, '', '']);
});
