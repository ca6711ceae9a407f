/**
 * A model that needs no key and no network: it does by rule what a real one would decide from the same messages. It
 * sees the results of its tools, and nothing else of the node.
 */
export interface ToolResult {
  readonly tool: string;
  /** What it gave back, as the framework hands it to a model. */
  readonly text: string;
}

export type Decision =
  | { readonly kind: 'call'; readonly tool: string; readonly input: Record<string, unknown> }
  | { readonly kind: 'answer'; readonly text: string };

/** What to do after these results. */
export function decide(results: readonly ToolResult[]): Decision {
  const taken = results.find(({ tool }) => tool === 'next_task');
  if (taken === undefined) return { kind: 'call', tool: 'next_task', input: {} };
  const { task } = contentOf(taken.text) as { task?: { task_id: string; title: string } };
  if (task === undefined) return { kind: 'answer', text: 'There is nothing to do.' };
  if (results.some(({ tool }) => tool === 'complete_task'))
    return { kind: 'answer', text: `I have completed ${task.task_id}.` };
  const result_text = `The sum is ${sumAskedFor(task.title)}.`;
  return { kind: 'call', tool: 'complete_task', input: { task_id: task.task_id, result_text } };
}

/** The object that a tool gave back: frameworks wrap it into parts of their own. */
function contentOf(text: string): unknown {
  const value: unknown = JSON.parse(text);
  const { type, text: inner } = value as { type?: unknown; text?: unknown };
  return type === 'text' && typeof inner === 'string' ? contentOf(inner) : value;
}

function sumAskedFor(title: string): number {
  const [from = 0, to = 0] = (title.match(/\d+/g) ?? []).map(Number);
  return ((from + to) * (to - from + 1)) / 2;
}
