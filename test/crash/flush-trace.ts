/**
 * Reading a trace of system calls: what was written to the database, what was flushed, what was acknowledged.
 */
export const TRACED_CALLS = 'openat,pwrite64,pwritev,write,writev,fdatasync,fsync,msync';
/** A system call on the database, or an acknowledgement. Started and ended at these lines of the trace. */
export interface Call {
  readonly kind: 'data' | 'sync' | 'meta' | 'ack';
  readonly started: number;
  readonly ended: number;
}

/** Lines such as `12 fdatasync(22) = 0`, or the same in two halves when another thread came in between. */
export function callsIn(trace: string): Call[] {
  const calls: Call[] = [];
  const unfinished = new Map<string, { text: string; line: number }>();
  const descriptors: Descriptors = new Map();
  trace.split('\n').forEach((text, line) => {
    const [, pid, rest] = /^(\d+)\s+(.*)$/.exec(text) ?? [];
    if (!pid || !rest) return;
    if (rest.endsWith('<unfinished ...>')) {
      unfinished.set(pid, { text: rest.replace('<unfinished ...>', ''), line });
      return;
    }
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/.exec(rest);
    const begun = resumed ? unfinished.get(pid) : undefined;
    const whole = begun ? begun.text + resumed![1] : rest;
    const kind = kindOf(whole, descriptors);
    if (kind) calls.push({ kind, started: begun?.line ?? line, ended: line });
  });
  return calls;
}

/** The descriptors of the database; the one that is opened O_DSYNC is for meta pages. */
type Descriptors = Map<string, 'data' | 'meta'>;

function kindOf(call: string, descriptors: Descriptors): Call['kind'] | undefined {
  const opened = /^openat\(.*data\.mdb", (\S+)[,)].*= (\d+)/.exec(call);
  if (opened) descriptors.set(opened[2]!, opened[1]!.includes('O_DSYNC') ? 'meta' : 'data');
  if (/^write\(1, "ack /.test(call)) return 'ack';
  const [, name, descriptor] = /^(\w+)\((\d+)/.exec(call) ?? [];
  if (name === 'fdatasync' || name === 'fsync' || name === 'msync')
    return / = 0$/.test(call) ? 'sync' : undefined;
  return name === 'openat' ? undefined : descriptors.get(descriptor!);
}

/** How many acknowledgements came after: all data written, then synced, then the meta page written through. */
export function flushedAcks(calls: readonly Call[]): { acks: number; flushed: number } {
  let acks = 0;
  let flushed = 0;
  let from = 0;
  for (const ack of calls.filter((call) => call.kind === 'ack')) {
    const since = calls.filter((call) => call.started >= from && call.ended < ack.started);
    const data = since.findLast((call) => call.kind === 'data');
    const sync = data && since.find((call) => call.kind === 'sync' && call.started > data.ended);
    const meta = sync && since.find((call) => call.kind === 'meta' && call.started > sync.ended);
    acks++;
    if (meta) flushed++;
    from = ack.ended;
  }
  return { acks, flushed };
}
