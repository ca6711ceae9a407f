/** Operations as tools: listed by their schemas, called by their names, errors as results that say what to do next. */
import {
  type CallToolResult,
  type InputRequiredResult,
  ProtocolError,
  ProtocolErrorCode,
  type ServerContext,
  type Tool,
  type ToolAnnotations,
} from '@modelcontextprotocol/server';
import { isHandle } from '../operations/idempotency.ts';
import type { Call, Operation } from '../operations/operation.ts';
import { operationNamed } from '../operations/registry.ts';
import type { Extra, ExtraTool } from './extra.ts';
import { type Input, perform } from './perform.ts';
import { offeredIn, type Session, sceneOf } from './session.ts';
import { handleFor, takesHandlesIn } from './tasks.ts';

/** The tools of a session: those of its toolsets that it may call. */
export function listTools(session: Session, extra: Extra | undefined): Tool[] {
  const own = offeredIn(session).map(toolOf);
  return extra === undefined ? own : [...own, ...Array.from(extra.tools.values(), ({ tool }) => tool)];
}

const described = new Map<Operation, Tool>();

/** A tool as it is listed; the same object each time, since lists are asked for often. */
export function toolOf(operation: Operation): Tool {
  const known = described.get(operation);
  if (known !== undefined) return known;
  const { name, title, description, input, output } = operation;
  const tool = {
    name,
    title,
    description,
    inputSchema: withKey(operation, input) as unknown as Tool['inputSchema'],
    outputSchema: output as unknown as NonNullable<Tool['outputSchema']>,
    annotations: annotationsOf(operation),
  };
  described.set(operation, tool);
  return tool;
}

/** Beside what an operation takes, whatever changes something takes a key. */
function withKey({ effect }: Operation, input: Operation['input']): object {
  if (effect === 'reads') return input;
  const { properties, ...rest } = input;
  return { ...rest, properties: { ...properties, idempotency_key: KEY_SCHEMA } };
}

const KEY_SCHEMA = { type: 'string', description: 'repeat it when you retry: done once' };

/** What the four hints of a tool say. */
export function annotationsOf({ effect, isOpenWorld }: Operation): ToolAnnotations {
  return {
    readOnlyHint: effect === 'reads',
    destructiveHint: effect === 'ends',
    idempotentHint: effect === 'reads' || effect === 'sets',
    openWorldHint: isOpenWorld,
  };
}

/**
 * Calls a tool. Whatever goes wrong with the call itself is a result, which the model can read and mend.
 * @throws ProtocolError where there is no such tool
 */
export async function callTool(
  session: Session,
  name: string,
  input: unknown,
  context: ServerContext,
  extra: Extra | undefined,
): Promise<CallToolResult | InputRequiredResult> {
  const added = extra?.tools.get(name);
  if (added !== undefined) return callExtra(added, input, context);
  const operation = operationNamed(name);
  if (operation === undefined || !session.toolsets.has(operation.toolset))
    throw new ProtocolError(ProtocolErrorCode.InvalidParams, `there is no tool ${name}`);
  const call = callOf(session, context);
  const work = async (input: Input): Promise<Told> =>
    (await handleFor(operation, call, input, context)) ?? operation.run(call, input);
  const takesHandles = takesHandlesIn(context);
  const outcome = await perform(session, operation, input, { call, work, takesHandles });
  if (outcome.error !== undefined) return errorResult(outcome.error);
  if (isHandle(outcome.done)) return outcome.done as CallToolResult;
  const structuredContent = outcome.done as Record<string, unknown>;
  return { content: [{ type: 'text', text: JSON.stringify(structuredContent) }], structuredContent };
}

/** What a tool tells: a handle of a task, or the result itself, as every protocol tells it. */
type Told = CallToolResult | Record<string, unknown>;

async function callExtra(
  { call }: ExtraTool,
  input: unknown,
  context: ServerContext,
): Promise<CallToolResult | InputRequiredResult> {
  try {
    return await call(input as Record<string, unknown>, context);
  } catch (error) {
    if (error instanceof ProtocolError) throw error;
    return { isError: true, content: [{ type: 'text', text: (error as Error).message }] };
  }
}

/** A failed call. It has no structured content: that would have to be a result of the tool. */
function errorResult(error: Readonly<Record<string, unknown>>): CallToolResult {
  return { isError: true, content: [{ type: 'text', text: JSON.stringify({ error }) }] };
}

/** The call that a request stands for: cancelled with it, and telling its progress where that was asked for. */
export function callOf(session: Session, { mcpReq }: ServerContext): Call {
  const progressToken = mcpReq._meta?.progressToken;
  let told = -1;
  return {
    ...sceneOf(session),
    signal: mcpReq.signal,
    progress(done, total, message) {
      // A receiver may rely on progress that grows.
      if (progressToken === undefined || done <= told) return;
      told = done;
      const params = { progressToken, progress: done, message, ...(total === undefined ? {} : { total }) };
      void mcpReq.notify({ method: 'notifications/progress', params }).catch(() => {});
    },
  };
}
