/**
 * The event stream: server-sent events of the log from a cursor on, and those of the moment as they come.
 *
 * A client holds a place in the log, so one that is slow costs no memory and misses nothing of it. Events of the
 * moment have no place: those that a slow client has no room for are dropped, and it is told how many.
 */
import type { ServerResponse } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Group } from '../../actors/group.ts';
import { reachOf } from '../access/reach.ts';
import { LOG_KIND_LIST, type LogKind, MOMENT_KIND_LIST, type MomentKind, parseKinds } from '../cli/events.ts';
import { toWire } from '../cli/json.ts';
import { shorten } from '../cli/text.ts';
import { describeFailure } from '../operations/failure.ts';
import { Growth, storedEvents } from '../operations/feed.ts';
import { Places } from '../operations/places.ts';
import { ProblemError, problemOf, tooManyStreams } from './problem.ts';
import type { HttpContext } from './server.ts';

/** Of the name of a parameter. */
const NAME_QUOTED_MAX = 40;
/** A comment this often keeps what lies between from closing a quiet connection. */
const HEARTBEAT_MS = 15_000;
/** Bytes that may wait for a client before events of the moment are dropped. */
const WAITING_BYTES_MAX = 256 * 1024;

interface Wanted {
  readonly groups: () => Group[];
  readonly groupId: string | undefined;
  readonly places: Places;
  /** The groups that the caller reaches; all, and the node itself, if not given. */
  readonly reached: readonly string[] | undefined;
  readonly logKinds: readonly LogKind[] | undefined;
  readonly momentKinds: ReadonlySet<MomentKind>;
}

export function addEvents(app: FastifyInstance, context: HttpContext): void {
  const { streams } = context;
  // A stream has no end that its headers could be asked for.
  app.get('/v1/events', { exposeHeadRoute: false }, async (request, reply) => {
    const wanted = wantedBy(context, request);
    const { id } = request.access!;
    if (!streams.take(id)) throw tooManyStreams();
    try {
      await stream(context, wanted, reply);
    } finally {
      streams.give(id);
    }
  });
}

/** @throws ProblemError for a group, a kind or a cursor that is none */
function wantedBy(context: HttpContext, request: FastifyRequest): Wanted {
  const access = request.access!;
  const node = reachOf(context.node, access);
  const { group_id, kinds, cursor } = singles(request.query);
  const last = request.headers['last-event-id'];
  const from = typeof last === 'string' ? last : cursor;
  try {
    const groupId = group_id === undefined ? undefined : node.group(group_id).groupId;
    const groups = (): Group[] => (groupId === undefined ? node.groups() : [node.group(groupId)]);
    const wanted = parseKinds(kinds, [...LOG_KIND_LIST, ...MOMENT_KIND_LIST]);
    const isWanted = (kind: LogKind | MomentKind): boolean => wanted?.includes(kind) ?? true;
    return {
      groups,
      groupId,
      places: from === undefined ? Places.atHead(groups()) : Places.fromText(from),
      reached: access.groups,
      logKinds: wanted === undefined ? undefined : LOG_KIND_LIST.filter(isWanted),
      momentKinds: new Set(MOMENT_KIND_LIST.filter(isWanted)),
    };
  } catch (error) {
    throw new ProblemError(problemOf(describeFailure(error, { node, identity: undefined }, request.query)));
  }
}

/** @throws ProblemError for a parameter that comes twice */
function singles(query: unknown): Readonly<Record<string, string>> {
  const entries = Object.entries(query as Record<string, string | string[]>);
  const twice = entries.find(([, value]) => Array.isArray(value));
  if (twice === undefined) return query as Record<string, string>;
  throw new ProblemError({
    status: 400,
    code: 'usage',
    detail: `${shorten(twice[0], NAME_QUOTED_MAX)} is given more than once`,
    next: 'see /openapi.json',
  });
}

async function stream({ node, ending }: HttpContext, wanted: Wanted, reply: FastifyReply): Promise<void> {
  const { groups, groupId, places, reached, logKinds, momentKinds } = wanted;
  reply.hijack();
  const { raw } = reply;
  const client = new Client(raw, ending);
  raw.writeHead(200, {
    ...(reply.getHeaders() as Record<string, string>),
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
  });
  client.comment('ok');
  using growth = new Growth(node);
  const moments = node.bus.moment$.subscribe((event) => {
    const of = 'groupId' in event ? event.groupId : undefined;
    const isOfGroup = groupId === undefined || of === undefined || of === groupId;
    const isReached = reached === undefined || (of !== undefined && reached.includes(of));
    if (isOfGroup && isReached && momentKinds.has(event.kind)) client.moment(event.kind, toWire(event));
  });
  const kinds = logKinds === undefined ? {} : { kinds: logKinds };
  try {
    while (!client.signal.aborted) {
      for await (const event of storedEvents(groups(), places, { ...kinds, signal: client.signal }))
        await client.event(event.event.kind, toWire(event), places.toText());
      if (await growth.wait(HEARTBEAT_MS, client.signal)) continue;
      if (growth.isOver) break;
      client.comment('');
    }
  } finally {
    moments.unsubscribe();
    client.end();
  }
}

/** The other end of a stream. */
class Client {
  readonly signal: AbortSignal;
  private readonly raw: ServerResponse;
  private readonly leaving = new AbortController();
  private dropped = 0;

  constructor(raw: ServerResponse, ending: AbortSignal) {
    this.raw = raw;
    this.signal = AbortSignal.any([this.leaving.signal, ending]);
    raw.on('close', () => this.leaving.abort());
    raw.on('error', () => this.leaving.abort());
  }

  comment(text: string): void {
    this.raw.write(`: ${text}\n\n`);
  }

  /** An event of the log; resolves when the client can take another. */
  async event(kind: string, data: unknown, id: string): Promise<void> {
    this.tellDropped();
    const isFull = !this.raw.write(`id: ${id}\nevent: ${kind}\ndata: ${JSON.stringify(data)}\n\n`);
    if (!isFull || this.signal.aborted) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        this.raw.off('drain', done);
        this.signal.removeEventListener('abort', done);
        resolve();
      };
      this.raw.on('drain', done);
      this.signal.addEventListener('abort', done, { once: true });
    });
  }

  /** An event of the moment; it has no id, so the cursor stays with the log. */
  moment(kind: string, data: unknown): void {
    if (this.raw.writableLength > WAITING_BYTES_MAX) {
      this.dropped++;
      return;
    }
    this.tellDropped();
    this.raw.write(`event: ${kind}\ndata: ${JSON.stringify(data)}\n\n`);
  }

  private tellDropped(): void {
    if (this.dropped === 0) return;
    this.raw.write(`event: events.skipped\ndata: ${JSON.stringify({ moments: this.dropped })}\n\n`);
    this.dropped = 0;
  }

  end(): void {
    this.raw.end();
  }
}
