/** Tools for each kind of content, for messages on the way, and for tools that fail. */
import { setTimeout as delay } from 'node:timers/promises';
import { MissingRequiredClientCapabilityError, type ServerContext } from '@modelcontextprotocol/server';
import type { ExtraTool } from '../extra.ts';
import { AUDIO, described, IMAGE, text } from './samples.ts';

/** The suite wants to see messages one by one. */
const STEP_MS = 50;

const LOG_STEPS = ['Tool execution started', 'Tool processing data', 'Tool execution completed'];
const PROGRESS_STEPS = [0, 50, 100];

async function logged(context: ServerContext): Promise<void> {
  for (const [at, step] of LOG_STEPS.entries()) {
    if (at > 0) await delay(STEP_MS);
    await context.mcpReq.log('info', step);
  }
}

async function progressed({ mcpReq }: ServerContext): Promise<void> {
  const progressToken = mcpReq._meta?.progressToken;
  for (const [at, progress] of PROGRESS_STEPS.entries()) {
    if (at > 0) await delay(STEP_MS);
    if (progressToken === undefined) continue;
    const params = {
      progressToken,
      progress,
      total: 100,
      message: `step ${at + 1} of ${PROGRESS_STEPS.length}`,
    };
    await mcpReq.notify({ method: 'notifications/progress', params });
  }
}

/** What the client of a request says that it can do. */
export function capabilitiesOf({ mcpReq }: ServerContext): Readonly<Record<string, unknown>> {
  const envelope = mcpReq.envelope as Readonly<Record<string, unknown>> | undefined;
  return (envelope?.['io.modelcontextprotocol/clientCapabilities'] ?? {}) as Record<string, unknown>;
}

export const contentTools: readonly ExtraTool[] = [
  {
    tool: described('test_simple_text', 'Returns a text.'),
    call: () => text('This is a simple text response for testing.'),
  },
  {
    tool: described('test_image_content', 'Returns an image.'),
    call: () => ({ content: [{ type: 'image', data: IMAGE, mimeType: 'image/png' }] }),
  },
  {
    tool: described('test_audio_content', 'Returns a sound.'),
    call: () => ({ content: [{ type: 'audio', data: AUDIO, mimeType: 'audio/wav' }] }),
  },
  {
    tool: described('test_embedded_resource', 'Returns a resource.'),
    call: () => ({
      content: [
        {
          type: 'resource',
          resource: {
            uri: 'test://embedded-resource',
            mimeType: 'text/plain',
            text: 'This is an embedded resource content.',
          },
        },
      ],
    }),
  },
  {
    tool: described('test_multiple_content_types', 'Returns a text, an image and a resource.'),
    call: () => ({
      content: [
        { type: 'text', text: 'Multiple content types test:' },
        { type: 'image', data: IMAGE, mimeType: 'image/png' },
        {
          type: 'resource',
          resource: {
            uri: 'test://mixed-content-resource',
            mimeType: 'application/json',
            text: JSON.stringify({ test: 'data', value: 123 }),
          },
        },
      ],
    }),
  },
  {
    tool: described('test_tool_with_logging', 'Logs three messages on its way.'),
    async call(_, context) {
      await logged(context);
      return text('Logged three messages.');
    },
  },
  {
    tool: described('test_logging_tool', 'Logs where the request asks for it.'),
    async call(_, context) {
      await logged(context);
      return text('Logged what was asked for.');
    },
  },
  {
    tool: described('test_tool_with_progress', 'Tells its progress in three steps.'),
    async call(_, context) {
      await progressed(context);
      return text('Went through three steps.');
    },
  },
  {
    tool: described('test_error_handling', 'Fails.'),
    call: () => {
      throw new Error('This tool intentionally returns an error for testing');
    },
  },
  {
    tool: described('test_missing_capability', 'Needs a client that samples.'),
    call(_, context) {
      if (capabilitiesOf(context).sampling === undefined)
        throw new MissingRequiredClientCapabilityError({ requiredCapabilities: { sampling: {} } });
      return text('The client samples.');
    },
  },
];
