/**
 * OpenTelemetry spans from submission to receipt. Only the API is used: spans go to whatever SDK the process has
 * registered, for example with `NODE_OPTIONS=--import=./otel.js`, and to nobody where there is none.
 *
 *   lb.submit              its outcome, its group, the id of its transaction
 *     lb.submit.reserve    waits for room in the queue
 *     lb.submit.prepare    is signed, or its signature is checked
 *     lb.submit.wait       waits to be judged
 *     lb.submit.commit     is on its way to disk
 */
import { context, type Span, SpanStatusCode, type Tracer, trace } from '@opentelemetry/api';
import type { SubmissionStage, SubmissionTrace, Telemetry } from '../../actors/telemetry.ts';
import type { Hex32 } from '../../events/bytes.ts';
import type { Outcome } from '../../events/receipt.ts';
import { cleanText } from './redact.ts';

/** Begins a span for each submission, below the span that is active where it is submitted. */
export function submissionTracer(): Telemetry['traceSubmission'] {
  const tracer = trace.getTracer('battery-node');
  return (groupId) => new SubmissionSpan(tracer, groupId);
}

class SubmissionSpan implements SubmissionTrace {
  private readonly tracer: Tracer;
  private readonly span: Span;
  private stageSpan: Span;

  constructor(tracer: Tracer, groupId: Hex32) {
    this.tracer = tracer;
    this.span = tracer.startSpan('lb.submit', { attributes: { 'lb.group': groupId } });
    this.stageSpan = this.startStage('reserve');
  }

  private startStage(stage: SubmissionStage): Span {
    return this.tracer.startSpan(`lb.submit.${stage}`, {}, trace.setSpan(context.active(), this.span));
  }

  stage(stage: SubmissionStage): void {
    this.stageSpan.end();
    this.stageSpan = this.startStage(stage);
  }

  ended(outcome: Outcome): void {
    this.span.setAttribute('lb.outcome', outcome.status);
    if (outcome.status === 'sealed') {
      const { txId, height } = outcome.receipt;
      this.span.setAttributes({ 'lb.tx': txId, 'lb.height': height });
    } else {
      this.span.setAttributes({ 'lb.tx': outcome.txId, 'lb.refusal': outcome.refusal.code });
    }
    this.end();
  }

  failed(error: unknown): void {
    const message = cleanText(error instanceof Error ? error.message : String(error));
    this.span.setStatus({ code: SpanStatusCode.ERROR, message });
    this.end();
  }

  private end(): void {
    this.stageSpan.end();
    this.span.end();
  }
}
