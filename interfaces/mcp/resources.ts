/**
 * What is in the groups, as resources: each has an address, and whoever subscribes to one is told when it changes.
 *
 * What is too long for one answer ends with a `next_cursor` or a `next_offset`, which the address takes behind a `?`.
 *
 *     lb://groups                                 the groups of this node
 *     lb://groups/{group}                         one of them: policy, members, head
 *     lb://groups/{group}/claims                  its latest claims
 *     lb://groups/{group}/claims/{claim}          a claim
 *     lb://groups/{group}/threads/{claim}         the conversation that a claim belongs to
 *     lb://groups/{group}/tasks                   its open tasks
 *     lb://groups/{group}/tasks/{task}            a task
 *     lb://groups/{group}/blocks/{height}         a block
 *     lb://groups/{group}/purchases/{purchase}    what was delivered to you, from ?offset= on
 */
import {
  type ListResourcesResult,
  type ReadResourceResult,
  type Resource,
  ResourceNotFoundError,
  type ResourceTemplateType,
} from '@modelcontextprotocol/server';
import { AmbiguousIdError, NotFoundError, UsageError } from '../../actors/errors.ts';
import type { Group } from '../../actors/group.ts';
import { claimId, purchaseOf, taskOf } from '../cli/resolve.ts';
import { pageOf } from '../operations/call.ts';
import { describeFailure } from '../operations/failure.ts';
import type { Call } from '../operations/operation.ts';
import { operationNamed } from '../operations/registry.ts';
import type { Extra } from './extra.ts';
import { quickCall, type Session } from './session.ts';

const JSON_TYPE = 'application/json';
/** Groups of which one page lists the resources. */
const GROUPS_PER_PAGE = 50;

/** What a client names is kept for as long as it is told of it; ids of a group and of a task have half as many. */
const ADDRESS_CHARACTERS_MAX = 4_096;

const TEMPLATES: readonly ResourceTemplateType[] = [
  template('group', 'Group', '', 'Policy, members and head of a group'),
  template('claims', 'Claims', '/claims{?cursor}', 'Claims, newest first'),
  template('claim', 'Claim', '/claims/{claim}{?offset}', 'A claim with its author and text'),
  template('thread', 'Thread', '/threads/{claim}{?cursor}', 'The conversation that a claim belongs to'),
  template('tasks', 'Open tasks', '/tasks{?cursor}', 'Open tasks of the board, by id'),
  template('task', 'Task', '/tasks/{task}', 'A task of the board'),
  template('block', 'Block', '/blocks/{height}{?cursor}', 'A sealed block with its transactions'),
  template(
    'purchase',
    'Purchase',
    '/purchases/{purchase}{?offset}',
    'What was delivered to you, piece by piece',
  ),
];

function template(name: string, title: string, path: string, description: string): ResourceTemplateType {
  return { name, title, description, uriTemplate: `lb://groups/{group}${path}`, mimeType: JSON_TYPE };
}

export function listTemplates(extra: Extra | undefined): ResourceTemplateType[] {
  return [...TEMPLATES, ...(extra?.templates ?? [])];
}

/** The resources that are there without being asked for by name: the groups, their claims and their tasks. */
export function listResources(
  { node }: Session,
  cursor: string | undefined,
  extra: Extra | undefined,
): ListResourcesResult {
  const ids = [...node.groupIds()].sort();
  const { page, next } = pageOf(ids, (id) => id, { cursor, limit: GROUPS_PER_PAGE });
  const all: Resource = {
    uri: 'lb://groups',
    name: 'groups',
    title: 'Groups of this node',
    mimeType: JSON_TYPE,
  };
  const resources = page.flatMap((id) => resourcesOf(node.group(id)));
  return {
    resources: cursor === undefined ? [all, ...(extra?.resources ?? []), ...resources] : resources,
    ...(next.next_cursor === undefined ? {} : { nextCursor: next.next_cursor }),
  };
}

function resourcesOf(group: Group): Resource[] {
  const { name } = group.standing();
  const uri = groupUri(group.groupId);
  return [
    { uri, name, title: `Group ${name}`, mimeType: JSON_TYPE },
    { uri: `${uri}/claims`, name: `${name}/claims`, title: `Claims of ${name}`, mimeType: JSON_TYPE },
    { uri: `${uri}/tasks`, name: `${name}/tasks`, title: `Tasks of ${name}`, mimeType: JSON_TYPE },
  ];
}

export function groupUri(groupId: string): string {
  return `lb://groups/${groupId}`;
}

/**
 * The address by which changes of a resource are told: the whole ids in place of the names and beginnings that a
 * client may write. Nothing for what is not there, or never changes, or the session may not read.
 */
export function addressOf(session: Session, uri: string): string | undefined {
  const { node, isConfined = false } = session;
  if (uri.length > ADDRESS_CHARACTERS_MAX) return undefined;
  if (uri === 'lb://groups') return isConfined ? undefined : uri;
  const [, given, rest = ''] = /^lb:\/\/groups\/([^/?]+)([^?]*)/.exec(uri) ?? [];
  if (given === undefined) return undefined;
  try {
    const group = node.group(decode(given));
    const part = partOf(session, group, rest);
    return part === undefined ? undefined : `${groupUri(group.groupId)}${part}`;
  } catch (error) {
    // There is no such group or part of one, or more than one.
    if (error instanceof NotFoundError || error instanceof UsageError || error instanceof AmbiguousIdError)
      return undefined;
    throw error;
  }
}

function partOf({ scopes }: Session, { now }: Group, rest: string): string | undefined {
  if (rest === '' || rest === '/claims' || rest === '/tasks') return rest;
  const [, kind, encoded = ''] = /^\/(claims|tasks|purchases)\/([^/]+)$/.exec(rest) ?? [];
  const part = decode(encoded);
  switch (kind) {
    case 'claims':
      return `/claims/${claimId(now, part)}`;
    case 'tasks':
      return `/tasks/${encodeURIComponent(taskOf(now, part).task)}`;
    case 'purchases':
      // Reading one takes a secret of the buyer's.
      return scopes.has('write') ? `/purchases/${purchaseOf(now, part).purchase}` : undefined;
    default:
      return undefined;
  }
}

/** How an address is read: by an operation, whose result is the resource. The parts of the path are its input. */
interface Route {
  readonly path: RegExp;
  readonly operation: string;
  input(...parts: readonly string[]): Record<string, unknown>;
  /** The parameter that goes on with what was too long. */
  readonly goesOn?: 'cursor' | 'offset';
}

/** The path of a part of a group, which is named before it. */
function inGroup(rest: string): RegExp {
  return new RegExp(`^lb://groups/([^/]+)${rest}$`);
}

const ROUTES: readonly Route[] = [
  { path: /^lb:\/\/groups$/, operation: 'list_groups', input: () => ({}), goesOn: 'cursor' },
  { path: inGroup(''), operation: 'group_info', input: (group_id) => ({ group_id }) },
  {
    path: inGroup('/claims'),
    operation: 'list_claims',
    input: (group_id) => ({ group_id }),
    goesOn: 'cursor',
  },
  {
    path: inGroup('/claims/([^/]+)'),
    operation: 'get_claim',
    input: (group_id, claim_id) => ({ group_id, claim_id }),
    goesOn: 'offset',
  },
  {
    path: inGroup('/threads/([^/]+)'),
    operation: 'get_thread',
    input: (group_id, claim_id) => ({ group_id, claim_id }),
    goesOn: 'cursor',
  },
  {
    path: inGroup('/tasks'),
    operation: 'list_tasks',
    input: (group_id) => ({ group_id, status: 'open' }),
    goesOn: 'cursor',
  },
  {
    path: inGroup('/tasks/([^/]+)'),
    operation: 'get_task',
    input: (group_id, task_id) => ({ group_id, task_id }),
  },
  {
    path: inGroup(String.raw`/blocks/(\d{1,12})`),
    operation: 'get_block',
    input: (group_id, height) => ({ group_id, height: Number(height) }),
    goesOn: 'cursor',
  },
  {
    path: inGroup('/purchases/([^/]+)'),
    operation: 'open_purchase',
    input: (group_id, purchase_id) => ({ group_id, purchase_id }),
    goesOn: 'offset',
  },
];

/** @throws ResourceNotFoundError */
export async function readResource(
  session: Session,
  uri: string,
  signal: AbortSignal,
): Promise<ReadResourceResult> {
  // A resource says it once.
  const call = { ...quickCall(session, signal), answerTokens: session.answerTokens };
  const found = await read(session, call, uri);
  if (found === undefined) throw new ResourceNotFoundError(uri);
  return { contents: [{ uri, mimeType: JSON_TYPE, text: JSON.stringify(found) }] };
}

async function read(session: Session, call: Call, uri: string): Promise<unknown> {
  const [, asked = '', , name, value] = /^(.*?)(\?(\w+)=(.*))?$/.exec(uri) ?? [];
  const more = name === undefined ? {} : { [name]: decode(value!) };
  for (const { path, operation, input, goesOn } of ROUTES) {
    const parts = path.exec(asked);
    if (parts === null) continue;
    if (name !== undefined && name !== goesOn) return undefined;
    const read = operationNamed(operation)!;
    if (!session.scopes.has(read.scope)) return undefined;
    const taken = read.take({ ...input(...parts.slice(1).map(decode)), ...more });
    if (taken.input === undefined) return undefined;
    try {
      return await read.run(call, taken.input);
    } catch (error) {
      const failure = describeFailure(error, call);
      if (failure.kind === 'bug') session.report(error);
      // Whatever the reason is, there is nothing to read at that address.
      if (['notFound', 'usage', 'refused'].includes(failure.kind)) return undefined;
      throw error;
    }
  }
  return undefined;
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
