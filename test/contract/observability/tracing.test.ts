/** Spans from submission to receipt, as an OpenTelemetry SDK sees them; and none unless they are asked for. */
import { context, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { watchedNode } from './support.ts';

const exporter = new InMemorySpanExporter();

beforeAll(() => {
  const spanProcessors = [new SimpleSpanProcessor(exporter)];
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors }));
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
});
afterAll(() => {
  trace.disable();
  context.disable();
});
beforeEach(() => exporter.reset());

const named = (name: string): ReadableSpan[] =>
  exporter.getFinishedSpans().filter((span) => span.name === name);

test('a submission is a span below the caller, with its stages in order', async () => {
  const { node } = await watchedNode({ tracing: 'true' });
  const group = await node.createGroup({ name: 'traced' });
  const tracer = trace.getTracer('test');
  const receipt = await tracer.startActiveSpan('caller', async (span) => {
    const sealed = await group.as('node').setProfile('me');
    span.end();
    return sealed;
  });
  const [submit] = named('lb.submit');
  expect(submit!.attributes).toEqual({
    'lb.group': group.groupId,
    'lb.outcome': 'sealed',
    'lb.tx': receipt.txId,
    'lb.height': receipt.height,
  });
  const [caller] = named('caller');
  expect(submit!.parentSpanContext?.spanId).toBe(caller!.spanContext().spanId);
  const stages = exporter
    .getFinishedSpans()
    .filter((span) => span.parentSpanContext?.spanId === submit!.spanContext().spanId);
  expect(stages.map(({ name }) => name)).toEqual([
    'lb.submit.reserve',
    'lb.submit.prepare',
    'lb.submit.wait',
    'lb.submit.commit',
  ]);
  expect(exporter.getFinishedSpans().every(({ ended }) => ended)).toBe(true);
});

test('a refusal is an outcome, a failure is an error', async () => {
  const { node } = await watchedNode({ tracing: 'true' });
  const group = await node.createGroup({ name: 'traced' });
  const me = group.as('node');
  const refused = await me.submit([{ type: 'task_start', task: 'none', attempt: 1 }]);
  expect(refused.status).toBe('refused');
  expect(named('lb.submit')[0]!.attributes).toMatchObject({
    'lb.outcome': 'refused',
    'lb.refusal': 'task_unknown',
  });
  await node.close();
  await expect(me.setProfile('late')).rejects.toThrow();
  expect(named('lb.submit')[1]!.status).toMatchObject({ code: 2, message: 'the group is closed' });
});

test('nothing is traced unless it is asked for', async () => {
  const { node } = await watchedNode({});
  await (await node.createGroup({ name: 'untraced' })).as('node').setProfile('me');
  expect(exporter.getFinishedSpans()).toEqual([]);
});
