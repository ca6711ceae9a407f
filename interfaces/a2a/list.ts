/** Pages of tasks, the one that changed last first. */

import { type ListTasksRequest, TaskState } from '@a2a-js/sdk';
import { RequestMalformedError } from '@a2a-js/sdk/errors';
import { isoTime } from '../cli/iso-time.ts';
import type { Listed } from './task-index.ts';
import { stateOf } from './wire.ts';

const PAGE_DEFAULT = 50;
const PAGE_MAX = 100;

/** Where a task stands in the order: what changes later moves to the front, and never into a later page twice. */
const placeOf = ({ updatedMs, group, task }: Listed): string =>
  `${String(updatedMs).padStart(16, '0')} ${group} ${task}`;

export interface Page {
  readonly page: readonly Listed[];
  readonly nextPageToken: string;
  readonly pageSize: number;
  /** Of all pages. */
  readonly totalSize: number;
}

/**
 * The page of `listed` that a request asks for.
 * @throws RequestMalformedError for a size, a time or a token that is none
 */
export function pageOf(listed: Iterable<Listed>, request: ListTasksRequest): Page {
  const { contextId, status, statusTimestampAfter, pageToken, pageSize: wanted = 0 } = request;
  const pageSize = wanted === 0 ? PAGE_DEFAULT : wanted;
  if (pageSize < 1 || pageSize > PAGE_MAX) throw new RequestMalformedError(`pageSize is 1 to ${PAGE_MAX}`);
  const sinceMs = statusTimestampAfter === undefined ? 0 : isoTime(statusTimestampAfter);
  if (sinceMs === undefined) throw new RequestMalformedError('statusTimestampAfter is no time of ISO 8601');
  const before = pageToken === '' ? undefined : placeIn(pageToken);
  const beforeMs = before === undefined ? Number.MAX_SAFE_INTEGER : Number(before.slice(0, 16));
  const page: Listed[] = [];
  let totalSize = 0;
  let rest = 0;
  for (const one of listed) {
    const isFitting =
      (contextId === '' || one.contextId === contextId) &&
      (status === TaskState.TASK_STATE_UNSPECIFIED || stateOf(one.status) === status) &&
      one.updatedMs >= sinceMs;
    if (!isFitting) continue;
    totalSize++;
    // Most are decided by their time alone; places are texts, and cost more.
    if (one.updatedMs > beforeMs || (before !== undefined && !(placeOf(one) < before))) continue;
    rest++;
    insert(page, one, pageSize);
  }
  const last = page.at(-1);
  const isEnd = last === undefined || page.length === rest;
  return {
    page,
    nextPageToken: isEnd ? '' : tokenAfter(last),
    pageSize,
    totalSize,
  };
}

/** The token of the page that begins behind a task. */
export function tokenAfter(last: Listed): string {
  return Buffer.from(placeOf(last)).toString('base64url');
}

/** Puts one into the page, latest first, where it belongs; what has no room falls out at the end. */
function insert(page: Listed[], one: Listed, size: number): void {
  let at = page.length;
  while (at > 0 && isLater(one, page[at - 1]!)) at--;
  if (at >= size) return;
  page.splice(at, 0, one);
  if (page.length > size) page.pop();
}

function isLater(one: Listed, other: Listed): boolean {
  return one.updatedMs === other.updatedMs ? placeOf(one) > placeOf(other) : one.updatedMs > other.updatedMs;
}

function placeIn(token: string): string {
  const place = Buffer.from(token, 'base64url').toString();
  if (!/^\d{16} [0-9a-f]{64} ./.test(place))
    throw new RequestMalformedError('that is no page token of this list');
  return place;
}
