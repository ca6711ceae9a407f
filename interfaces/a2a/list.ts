/** Pages of tasks, the one that changed last first. */
import { type ListTasksRequest, type ListTasksResponse, TaskState } from '@a2a-js/sdk';
import { RequestMalformedError } from '@a2a-js/sdk/errors';
import type { Found } from './handler.ts';
import { describe, stateOf } from './wire.ts';

const PAGE_DEFAULT = 50;
const PAGE_MAX = 100;

/** Where a task stands in the order: what changes later moves to the front, and never into a later page twice. */
const placeOf = ({ state, group, task }: Found): string =>
  `${String(state.updatedMs).padStart(16, '0')} ${group} ${task}`;

export function listPage(found: readonly Found[], request: ListTasksRequest): ListTasksResponse {
  const {
    contextId,
    status,
    statusTimestampAfter,
    pageToken,
    pageSize: wanted = 0,
    includeArtifacts,
  } = request;
  const pageSize = wanted === 0 ? PAGE_DEFAULT : wanted;
  if (pageSize < 1 || pageSize > PAGE_MAX) throw new RequestMalformedError(`pageSize is 1 to ${PAGE_MAX}`);
  const sinceMs = statusTimestampAfter === undefined ? 0 : Date.parse(statusTimestampAfter);
  if (Number.isNaN(sinceMs)) throw new RequestMalformedError('statusTimestampAfter is no time of ISO 8601');
  const before = pageToken === '' ? undefined : placeIn(pageToken);
  const fitting = found
    .filter(
      ({ handed, state }) =>
        (contextId === '' || handed.contextId === contextId) &&
        (status === TaskState.TASK_STATE_UNSPECIFIED || stateOf(state.status) === status) &&
        state.updatedMs >= sinceMs,
    )
    .sort((one, other) => (placeOf(one) < placeOf(other) ? 1 : -1));
  const rest = before === undefined ? fitting : fitting.filter((one) => placeOf(one) < before);
  const page = rest.slice(0, pageSize);
  const last = page.at(-1);
  const nextPageToken =
    last === undefined || page.length === rest.length ? '' : Buffer.from(placeOf(last)).toString('base64url');
  const tasks = page.map(({ place, state, handed }) => {
    const task = describe(place, state, handed);
    return includeArtifacts ? task : { ...task, artifacts: [] };
  });
  return { tasks, nextPageToken, pageSize, totalSize: fitting.length };
}

function placeIn(token: string): string {
  const place = Buffer.from(token, 'base64url').toString();
  if (!/^\d{16} [0-9a-f]{64} ./.test(place))
    throw new RequestMalformedError('that is no page token of this list');
  return place;
}
