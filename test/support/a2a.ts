/** A2A clients of the SDK, on the HTTP interface of a node. */
import { Message, SendMessageRequest, type StreamResponse, type Task } from '@a2a-js/sdk';
import {
  type Client,
  ClientFactory,
  JsonRpcTransportFactory,
  RestTransportFactory,
} from '@a2a-js/sdk/client';

export const BINDINGS = ['JSONRPC', 'HTTP+JSON'] as const;
export type Binding = (typeof BINDINGS)[number];

/** A client that found the node by its card, and speaks one binding. */
export async function a2aClient(binding: Binding, port: number, token: string): Promise<Client> {
  const fetchImpl: typeof fetch = (input, init = {}) => {
    const headers = new Headers(init.headers);
    headers.set('authorization', `Bearer ${token}`);
    return fetch(input, { ...init, headers });
  };
  const transports =
    binding === 'JSONRPC'
      ? [new JsonRpcTransportFactory({ fetchImpl })]
      : [new RestTransportFactory({ fetchImpl })];
  const factory = new ClientFactory({ transports, preferredTransports: [binding] });
  return factory.createFromUrl(`http://127.0.0.1:${port}`);
}

export interface Sent {
  readonly text?: string;
  readonly parts?: readonly object[];
  readonly contextId?: string;
  readonly taskId?: string;
  readonly waits?: boolean;
  readonly tenant?: string;
  readonly push?: object;
}

/** A message, as clients send it. */
export function message(messageId: string, sent: Sent = {}): SendMessageRequest {
  const { text = `Do ${messageId}`, parts = [{ text }], waits = false, tenant = '', push, ...more } = sent;
  const { contextId = '', taskId = '' } = more;
  return SendMessageRequest.fromJSON({
    tenant,
    message: Message.toJSON(Message.fromJSON({ messageId, role: 'ROLE_USER', parts, contextId, taskId })),
    configuration: {
      returnImmediately: !waits,
      ...(push === undefined ? {} : { taskPushNotificationConfig: push }),
    },
  });
}

/** Sends a message that must become a task. */
export async function send(client: Client, messageId: string, sent?: Sent): Promise<Task> {
  const task = await client.sendMessage(message(messageId, sent));
  if ('messageId' in task) throw new Error('answered with a message');
  return task;
}

/** What a stream says, as short as possible: kinds, states and texts. */
export function told({ payload }: StreamResponse): string {
  if (payload?.$case === 'task') return `task ${payload.value.status?.state}`;
  if (payload?.$case === 'artifactUpdate') return `artifact ${textOf(payload.value.artifact?.parts)}`;
  if (payload?.$case !== 'statusUpdate') return String(payload?.$case);
  const { status } = payload.value;
  const said = textOf(status?.message?.parts);
  return `status ${status?.state}${said === '' ? '' : ` ${said}`}`;
}

export function textOf(parts: Message['parts'] = []): string {
  return parts.map(({ content }) => (content?.$case === 'text' ? content.value : '')).join('');
}
