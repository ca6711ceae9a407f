/**
 * An agent of the OpenAI Agents SDK that works in a group over MCP, `npm run demo:openai-agents`. The model is a
 * scripted one, so that this runs anywhere; with a key, leave `model` out of the agent and the SDK's own is used.
 */
import {
  Agent,
  type AgentInputItem,
  MCPServerStdio,
  type Model,
  type ModelRequest,
  type ModelResponse,
  run,
  setTracingDisabled,
  Usage,
} from '@openai/agents';
import { ASSIGNMENT, withOffice } from './office.ts';
import { decide, type ToolResult } from './scripted-model.ts';

class ScriptedModel implements Model {
  private calls = 0;

  async getResponse({ input }: ModelRequest): Promise<ModelResponse> {
    const decision = decide(typeof input === 'string' ? [] : input.flatMap(resultIn));
    const output: ModelResponse['output'] =
      decision.kind === 'call'
        ? [
            {
              type: 'function_call',
              callId: `call-${++this.calls}`,
              name: decision.tool,
              arguments: JSON.stringify(decision.input),
              status: 'completed',
            },
          ]
        : [
            {
              type: 'message',
              role: 'assistant',
              status: 'completed',
              content: [{ type: 'output_text', text: decision.text }],
            },
          ];
    return { usage: new Usage(), output };
  }

  getStreamedResponse(): never {
    throw new Error('this model does not stream');
  }
}

function resultIn(item: AgentInputItem): ToolResult[] {
  if (item.type !== 'function_call_result') return [];
  return [{ tool: item.name, text: textIn(item.output) }];
}

/** The SDK hands a tool's text on as it is, as a part, or as a list of parts. */
function textIn(output: unknown): string {
  if (typeof output === 'string') return output;
  const [first] = Array.isArray(output) ? (output as unknown[]) : [output];
  return (first as { text?: string } | undefined)?.text ?? '';
}

setTracingDisabled(true);
const isDone = await withOffice('openai', async ({ command, args }) => {
  const server = new MCPServerStdio({
    name: 'battery-node',
    command,
    args,
    // The first start on a busy machine takes a moment.
    clientSessionTimeoutSeconds: 60,
  });
  await server.connect();
  try {
    const agent = new Agent({
      name: 'Clerk',
      instructions: 'You work in a group. Its tools tell you what there is to do.',
      mcpServers: [server],
      model: new ScriptedModel(),
    });
    const { finalOutput } = await run(agent, ASSIGNMENT);
    return String(finalOutput);
  } finally {
    await server.close();
  }
});
process.exitCode = isDone ? 0 : 1;
