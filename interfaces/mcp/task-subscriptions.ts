/**
 * What a client may name in `subscriptions/listen` beyond what the SDK knows: resources by names and beginnings of ids,
 * which stand for one address each; and handles of the Tasks extension, in `notifications.taskIds`, of which it is told
 * each change by `notifications/tasks`, with what `tasks/get` would say.
 *
 * The SDK's filter knows four kinds of changes, and tasks are none of them. But every task of a group is a resource, so
 * a request goes to the SDK with the addresses of those resources, and what comes back for an address that stands for a
 * handle is told as the handle's. Streams, bounds and their end stay the SDK's business.
 */
import { type JSONRPCMessage, SUBSCRIPTION_ID_META_KEY } from '@modelcontextprotocol/server';
import { describeFailure } from '../operations/failure.ts';
import { versionOf } from '../operations/task-shape.ts';
import { addressOf, groupUri } from './resources.ts';
import type { Session } from './session.ts';
import { SUBSCRIPTIONS_MAX } from './subscriptions.ts';
import { detailOf, takesHandles, taskOfHandle } from './tasks.ts';

type Id = string | number;
type Fields = Readonly<Record<string, unknown>>;

interface Message {
  readonly id?: Id;
  readonly method?: string;
  readonly params?: Fields & { readonly _meta?: Fields };
}

/** What one subscription asked for. */
interface Asked {
  /** Handles, by the address of their resource; nothing where none were asked for. */
  readonly handles: ReadonlyMap<string, string> | undefined;
  /** How the client wrote the addresses that it named itself. */
  readonly addresses: ReadonlyMap<string, readonly string[]>;
  /** Which state of each handle it was told last. */
  readonly told: Map<string, string>;
}

/** The subscriptions of one connection. */
export class TaskSubscriptions {
  private readonly session: Session;
  private readonly asked = new Map<Id, Asked>();

  constructor(session: Session) {
    this.session = session;
  }

  /** A message of the client, as the SDK is to see it. */
  incoming<T>(message: T): T {
    const { id, method, params } = message as Message;
    if (method === 'notifications/cancelled') this.asked.delete(params?.requestId as Id);
    if (method !== 'subscriptions/listen' || id === undefined) return message;
    const filter = fieldsOf(params?.notifications);
    const handles = this.handlesIn(filter?.taskIds, params?._meta);
    const named = textsIn(filter?.resourceSubscriptions);
    if (handles === undefined && named === undefined) return message;
    const addresses = this.addressesOf(named ?? []);
    this.asked.set(id, { handles, addresses, told: new Map() });
    const resourceSubscriptions = [...new Set([...addresses.keys(), ...(handles?.keys() ?? [])])];
    return { ...message, params: { ...params, notifications: { ...filter, resourceSubscriptions } } };
  }

  /** What the client is told in place of a message of the SDK. */
  outgoing(message: JSONRPCMessage): JSONRPCMessage[] {
    const { id, method, params } = message as Message;
    // A subscription that was refused, or has ended.
    if (method === undefined) this.asked.delete(id!);
    const subscription = params?._meta?.[SUBSCRIPTION_ID_META_KEY] as Id | undefined;
    const asked = subscription === undefined ? undefined : this.asked.get(subscription);
    if (asked === undefined) return [message];
    const { handles, addresses } = asked;
    const meta = { [SUBSCRIPTION_ID_META_KEY]: subscription };
    if (method === 'notifications/subscriptions/acknowledged') {
      const { resourceSubscriptions: _, ...honored } = fieldsOf(params?.notifications) ?? {};
      const notifications = {
        ...honored,
        ...(addresses.size === 0 ? {} : { resourceSubscriptions: [...addresses.values()].flat() }),
        ...(handles === undefined ? {} : { taskIds: [...handles.values()] }),
      };
      // How the tasks are by now: what changed between the handle and the subscription is not missed.
      const states = [...(handles?.values() ?? [])].flatMap((handle) => this.told(handle, asked, meta));
      return [{ ...message, params: { ...params, notifications } } as JSONRPCMessage, ...states];
    }
    if (method !== 'notifications/resources/updated') return [message];
    const address = String(params?.uri);
    const handle = handles?.get(address);
    const named = (addresses.get(address) ?? []).map(
      (uri) => ({ ...message, params: { ...params, uri } }) as JSONRPCMessage,
    );
    return [...named, ...(handle === undefined ? [] : this.told(handle, asked, meta))];
  }

  /** How a task is, unless that was told before. */
  private told(handle: string, { told }: Asked, _meta: Fields): JSONRPCMessage[] {
    const { session } = this;
    try {
      const found = taskOfHandle(session, handle);
      if (found === undefined || told.get(handle) === versionOf(found.task)) return [];
      told.set(handle, versionOf(found.task));
      const params = { ...detailOf(session, found), _meta };
      return [{ jsonrpc: '2.0', method: 'notifications/tasks', params }];
    } catch (error) {
      // A group that cannot be read just now tells nothing; the others on this connection go on.
      if (describeFailure(error, session).kind === 'bug') session.report(error);
      return [];
    }
  }

  /** The addresses that a client may be told of, with how it wrote them. */
  private addressesOf(named: readonly string[]): Map<string, string[]> {
    const addresses = new Map<string, string[]>();
    for (const uri of new Set(named.slice(0, SUBSCRIPTIONS_MAX))) {
      const address = addressOf(this.session, uri);
      if (address !== undefined) addresses.set(address, [...(addresses.get(address) ?? []), uri]);
    }
    return addresses;
  }

  /** The handles that a client may be told of; nothing where it asks for none, or does not know of them. */
  private handlesIn(given: unknown, meta: Fields | undefined): Map<string, string> | undefined {
    const named = textsIn(given);
    if (named === undefined || !this.session.toolsets.has('tasks') || !takesHandles(meta)) return undefined;
    const handles = new Map<string, string>();
    for (const handle of named.slice(0, SUBSCRIPTIONS_MAX)) {
      const found = taskOfHandle(this.session, handle);
      if (found === undefined) continue;
      const { group, task } = found;
      handles.set(`${groupUri(group.groupId)}/tasks/${encodeURIComponent(task.task)}`, handle);
    }
    return handles;
  }
}

function fieldsOf(value: unknown): Fields | undefined {
  return typeof value === 'object' && value !== null ? (value as Fields) : undefined;
}

function textsIn(value: unknown): string[] | undefined {
  return Array.isArray(value) && value.every((one) => typeof one === 'string') ? value : undefined;
}
