/**
 * An agent as a LangGraph graph that works in a group over MCP, `npm run demo:langgraph`. The model is a scripted
 * one, so that this runs anywhere; with a key, bind the tools to a chat model and call it in the node `model`.
 */
import { AIMessage, type BaseMessage, ToolMessage } from '@langchain/core/messages';
import { END, MessagesAnnotation, START, StateGraph } from '@langchain/langgraph';
import { ToolNode } from '@langchain/langgraph/prebuilt';
import { MultiServerMCPClient } from '@langchain/mcp-adapters';
import { ASSIGNMENT, withOffice } from './office.ts';
import { decide } from './scripted-model.ts';

type State = typeof MessagesAnnotation.State;

function model({ messages }: State): { messages: BaseMessage[] } {
  const results = messages
    .filter((message) => message instanceof ToolMessage)
    .map((message) => ({ tool: message.name ?? '', text: message.text }));
  const decision = decide(results);
  if (decision.kind === 'answer') return { messages: [new AIMessage(decision.text)] };
  const call = { name: decision.tool, args: decision.input, id: `call-${results.length + 1}` };
  return { messages: [new AIMessage({ content: '', tool_calls: [call] })] };
}

function next({ messages }: State): 'tools' | typeof END {
  const last = messages.at(-1);
  return last instanceof AIMessage && (last.tool_calls ?? []).length > 0 ? 'tools' : END;
}

const isDone = await withOffice('langgraph', async ({ command, args }) => {
  const client = new MultiServerMCPClient({ mcpServers: { node: { transport: 'stdio', command, args } } });
  try {
    const graph = new StateGraph(MessagesAnnotation)
      .addNode('model', model)
      .addNode('tools', new ToolNode(await client.getTools()))
      .addEdge(START, 'model')
      .addConditionalEdges('model', next, ['tools', END])
      .addEdge('tools', 'model')
      .compile();
    const { messages } = await graph.invoke({ messages: [{ role: 'user', content: ASSIGNMENT }] });
    return messages.at(-1)?.text ?? '';
  } finally {
    await client.close();
  }
});
process.exitCode = isDone ? 0 : 1;
