/**
 * What is in the groups, as resources: each has an address, and whoever subscribes to one is told when it changes.
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
import type { Group } from '../../actors/group.ts';
import { pageOf } from '../operations/call.ts';
import { describeFailure } from '../operations/failure.ts';
import type { Call } from '../operations/operation.ts';
import { operationNamed } from '../operations/registry.ts';
import type { Extra } from './extra.ts';
import { quickCall, type Session } from './session.ts';

const JSON_TYPE = 'application/json';
/** Groups of which one page lists the resources. */
const GROUPS_PER_PAGE = 50;

const TEMPLATES: readonly ResourceTemplateType[] = [
  template('group', 'Group', '', 'Policy, members and head of a group'),
  template('claim', 'Claim', '/claims/{claim}', 'A claim with its author and text'),
  template('thread', 'Thread', '/threads/{claim}', 'The conversation that a claim belongs to'),
  template('task', 'Task', '/tasks/{task}', 'A task of the board'),
  template('block', 'Block', '/blocks/{height}', 'A sealed block with its transactions'),
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

/** Whether a session may be told of an address: one that is confined to some groups, of theirs alone. */
export function isReached({ node, isConfined = false }: Session, uri: string): boolean {
  const [, group] = /^lb:\/\/groups\/([^/]+)/.exec(uri) ?? [];
  return !isConfined || (group !== undefined && node.groupIds().includes(group));
}

/** How a part of a group's address is read: by an operation, whose result is the resource. */
interface Route {
  readonly path: RegExp;
  readonly operation: string;
  input(group: string, part: string, rest: string | undefined): Record<string, unknown>;
}

const ROUTES: readonly Route[] = [
  { path: /^$/, operation: 'group_info', input: (group_id) => ({ group_id }) },
  {
    path: /^\/claims$/,
    operation: 'list_claims',
    input: (group_id) => ({ group_id }),
  },
  {
    path: /^\/claims\/([^/]+)$/,
    operation: 'get_claim',
    input: (group_id, claim_id) => ({ group_id, claim_id }),
  },
  {
    path: /^\/threads\/([^/]+)$/,
    operation: 'get_thread',
    input: (group_id, claim_id) => ({ group_id, claim_id }),
  },
  {
    path: /^\/tasks$/,
    operation: 'list_tasks',
    input: (group_id) => ({ group_id, status: 'open' }),
  },
  {
    path: /^\/tasks\/([^/]+)$/,
    operation: 'get_task',
    input: (group_id, task_id) => ({ group_id, task_id }),
  },
  {
    path: /^\/blocks\/(\d{1,12})$/,
    operation: 'get_block',
    input: (group_id, height) => ({ group_id, height: Number(height) }),
  },
  {
    path: /^\/purchases\/([^/?]+)(?:\?offset=(\d{1,15}))?$/,
    operation: 'open_purchase',
    input: (group_id, purchase_id, offset = '0') => ({ group_id, purchase_id, offset: Number(offset) }),
  },
];

/** @throws ResourceNotFoundError */
export async function readResource(
  session: Session,
  uri: string,
  signal: AbortSignal,
): Promise<ReadResourceResult> {
  const call = quickCall(session, signal);
  const found = await read(session, call, uri);
  if (found === undefined) throw new ResourceNotFoundError(uri);
  return { contents: [{ uri, mimeType: JSON_TYPE, text: JSON.stringify(found) }] };
}

async function read(session: Session, call: Call, uri: string): Promise<unknown> {
  if (uri === 'lb://groups') return operationNamed('list_groups')!.run(call, {} as never);
  const match = /^lb:\/\/groups\/([^/]+)(\/.*)?$/.exec(uri);
  if (match === null) return undefined;
  const [, group, rest = ''] = match;
  for (const { path, operation, input } of ROUTES) {
    const part = path.exec(rest);
    if (part === null) continue;
    const read = operationNamed(operation)!;
    if (!session.scopes.has(read.scope)) return undefined;
    try {
      return await read.run(call, input(decode(group!), decode(part[1] ?? ''), part[2]) as never);
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
