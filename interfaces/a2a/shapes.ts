/**
 * What requests of A2A look like. The SDK reads any JSON as the message that was meant, texts out of objects and flags
 * out of texts; so the JSON is looked at before it is read, and what does not fit is named. Fields that are not known
 * are passed over, as the protocol has it, and a field may be spelled either way that Protocol Buffers know.
 */
import { RequestMalformedError } from '@a2a-js/sdk/errors';

/** Says what is wrong with a value; nothing where it fits. */
type Shape = (value: unknown, path: string) => string | undefined;

const ID_CHARACTERS_MAX = 512;
const URL_CHARACTERS_MAX = 4_096;
const SECRET_CHARACTERS_MAX = 4_096;
const ENTRIES_MAX = 1_000;

const text =
  (charactersMax: number = ID_CHARACTERS_MAX): Shape =>
  (value, path) => {
    if (typeof value !== 'string') return `${path} is a text`;
    if (!value.isWellFormed()) return `${path} is no text: it has half of a surrogate pair`;
    return value.length > charactersMax ? `${path} has at most ${charactersMax} characters` : undefined;
  };

/** The text of a part: what it says is looked at later, and its length with the whole message's. */
const anyText: Shape = (value, path) => text(Number.MAX_SAFE_INTEGER)(value, path);

const flag: Shape = (value, path) => (typeof value === 'boolean' ? undefined : `${path} is true or false`);

/** Protocol Buffers spell numbers as texts too. */
const count: Shape = (value, path) => {
  const isCount = typeof value === 'string' ? /^\d{1,9}$/.test(value) : isWhole(value);
  return isCount ? undefined : `${path} is a whole number`;
};

function isWhole(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) >= -1e9 && (value as number) <= 1e9;
}

const object: Shape = (value, path) => (isObject(value) ? undefined : `${path} is an object`);

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const word =
  (...values: readonly (string | number)[]): Shape =>
  (value, path) =>
    values.some((one) => one === value) ? undefined : `${path} is one of ${values.filter(isName).join(', ')}`;

const isName = (value: string | number): boolean => typeof value === 'string';

const list =
  (shape: Shape): Shape =>
  (value, path) => {
    if (!Array.isArray(value)) return `${path} is a list`;
    if (value.length > ENTRIES_MAX) return `${path} has at most ${ENTRIES_MAX} entries`;
    return first(value.map((one, at) => () => shape(one, `${path}[${at}]`)));
  };

/** An object with these fields; `null` stands for a field that is not there. */
const record =
  (fields: Readonly<Record<string, Shape>>, required: readonly string[] = [], more?: Shape): Shape =>
  (value, path) => {
    if (!isObject(value)) return `${path} is an object`;
    const below = (name: string): string => (path === 'the request' ? name : `${path}.${name}`);
    return first([
      ...Object.entries(fields).map(([name, shape]) => () => {
        const given = value[name] ?? value[snakeCase(name)];
        if (given !== undefined && given !== null) return shape(given, below(name));
        return required.includes(name) ? `${below(name)} is missing` : undefined;
      }),
      () => more?.(value, path),
    ]);
  };

function first(checks: readonly (() => string | undefined)[]): string | undefined {
  for (const check of checks) {
    const problem = check();
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function snakeCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

const CONTENTS = ['text', 'raw', 'url', 'data'] as const;

const part = record(
  {
    ...{ text: anyText, raw: anyText, url: text(URL_CHARACTERS_MAX) },
    ...{ metadata: object, filename: text(), mediaType: text() },
  },
  [],
  (value, path) => {
    const given = CONTENTS.filter((name) => ((value as Record<string, unknown>)[name] ?? null) !== null);
    return given.length === 1 ? undefined : `${path} has one of ${CONTENTS.join(', ')}`;
  },
);

const message = record(
  {
    ...{ messageId: text(), contextId: text(), taskId: text() },
    // A client speaks as the user; the agent's words come from here.
    role: word('ROLE_USER', 1),
    parts: list(part),
    metadata: object,
    extensions: list(text(URL_CHARACTERS_MAX)),
    referenceTaskIds: list(text()),
  },
  ['messageId', 'role', 'parts'],
);

const pushConfig = record({
  ...{ tenant: text(), id: text(), taskId: text() },
  url: text(URL_CHARACTERS_MAX),
  token: text(SECRET_CHARACTERS_MAX),
  authentication: record({ scheme: text(), credentials: text(SECRET_CHARACTERS_MAX) }),
});

const sending = record(
  {
    tenant: text(),
    message,
    configuration: record({
      acceptedOutputModes: list(text()),
      taskPushNotificationConfig: pushConfig,
      historyLength: count,
      returnImmediately: flag,
    }),
    metadata: object,
  },
  ['message'],
);

const STATES = [
  ...['UNSPECIFIED', 'SUBMITTED', 'WORKING', 'COMPLETED', 'FAILED', 'CANCELED', 'INPUT_REQUIRED'],
  ...['REJECTED', 'AUTH_REQUIRED'],
];

const ofTask = { tenant: text(), id: text() };
const ofConfig = { tenant: text(), taskId: text(), id: text() };

/** By the names of the methods over JSON-RPC; HTTP+JSON has the same messages. */
const REQUESTS = {
  SendMessage: sending,
  SendStreamingMessage: sending,
  GetTask: record({ ...ofTask, historyLength: count }),
  ListTasks: record({
    ...{ tenant: text(), contextId: text(), pageToken: text(), statusTimestampAfter: text() },
    status: word(...STATES.map((state) => `TASK_STATE_${state}`), ...STATES.map((_, at) => at)),
    ...{ pageSize: count, historyLength: count, includeArtifacts: flag },
  }),
  CancelTask: record({ ...ofTask, metadata: object }),
  SubscribeToTask: record(ofTask),
  CreateTaskPushNotificationConfig: pushConfig,
  GetTaskPushNotificationConfig: record(ofConfig),
  DeleteTaskPushNotificationConfig: record(ofConfig),
  ListTaskPushNotificationConfigs: record({ ...ofConfig, pageSize: count, pageToken: text() }),
  GetExtendedAgentCard: record({ tenant: text() }),
} as const satisfies Readonly<Record<string, Shape>>;

export type Method = keyof typeof REQUESTS;

export function isMethod(name: string): name is Method {
  return Object.hasOwn(REQUESTS, name);
}

/** @throws RequestMalformedError for a request that is none of the method's */
export function checkRequest(method: Method, request: unknown): void {
  const problem = REQUESTS[method](request, 'the request');
  if (problem !== undefined) throw new RequestMalformedError(problem);
}
