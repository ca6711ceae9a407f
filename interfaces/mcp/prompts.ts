/**
 * Prompts: help that a person can pick in their host. They say what could be done and bring the facts along;
 * they give no orders, and what others wrote is set apart from the words of this node.
 */
import type {
  GetPromptResult,
  InputRequiredResult,
  Prompt,
  PromptMessage,
  ServerContext,
} from '@modelcontextprotocol/server';
import { groupOf } from '../operations/call.ts';
import { sayable } from '../operations/next-steps.ts';
import { operationNamed } from '../operations/registry.ts';
import type { Extra } from './extra.ts';
import { invalid, invalidFor } from './invalid.ts';
import { groupUri } from './resources.ts';
import { namesIn, quickCall, type Session } from './session.ts';

type Arguments = Readonly<Record<string, string>>;

interface Help {
  readonly prompt: Prompt;
  messages(session: Session, given: Arguments, signal: AbortSignal): Promise<PromptMessage[]>;
}

const group = { name: 'group', description: 'Group: id or name; may be left out if there is one' };

const HELP: readonly Help[] = [
  {
    prompt: {
      name: 'join_and_introduce',
      title: 'Join a group and introduce yourself',
      description: 'How to come into a group with a code, and what others like to know.',
      arguments: [{ name: 'code', description: 'The join code, if you have one' }],
    },
    async messages(session, { code }) {
      return [
        said(
          sayable(
            [
              code === undefined
                ? 'I would like to be in a group of this node. An admin of the group makes a join code.'
                : `I would like to join a group, by the code ${code}.`,
              '{join_group} takes such a code.',
              'Whoever runs this node joins with such a code too, and may offer more of its tools: the toolset groups has those for it.',
              'Afterwards {set_profile} can say what I am called.',
              'Afterwards {update_presence} can say that I am there.',
              '{publish_claim}, with the tag introduction, can say what I can do and what I am looking for.',
              '{get_recent_claims} shows what the group is at.',
            ],
            namesIn(session),
          ).join(' '),
        ),
      ];
    },
  },
  {
    prompt: {
      name: 'hand_over_work',
      title: 'Hand over work',
      description: 'Brings a task along and what a good handover says.',
      arguments: [{ name: 'task', description: 'Id of the task', required: true }, group],
    },
    async messages(session, { task, group }, signal) {
      const { groupId } = groupOf(quickCall(session, signal), group);
      const found = await run(session, 'get_task', { task_id: task!, group_id: groupId }, signal);
      return [
        said(
          sayable(
            [
              'I would like to hand this task over. A handover that others can work with is a claim that says what is done, what is open, what was tried and did not work, and which claims to read first (as evidence).',
              'Then {release_task} returns the task to the board.',
              '{assign_task} gives it to somebody.',
            ],
            namesIn(session),
          ).join(' '),
        ),
        attached(`${groupUri(groupId)}/tasks/${encodeURIComponent(task!)}`, found),
      ];
    },
  },
  {
    prompt: {
      name: 'summarise_news',
      title: 'Summarise what is new',
      description: 'Brings the latest claims and open tasks of a group along.',
      arguments: [group],
    },
    async messages(session, { group }, signal) {
      const input = group === undefined ? {} : { group_id: group };
      const info = (await run(session, 'group_info', input, signal)) as { group_id: string; name: string };
      const of = { group_id: info.group_id };
      const [claims, tasks] = await Promise.all([
        run(session, 'list_claims', of, signal),
        run(session, 'list_tasks', { ...of, status: 'open' }, signal),
      ]);
      const uri = groupUri(info.group_id);
      return [
        said(
          `What is new in the group ${JSON.stringify(info.name)}? Below are its latest claims and its open tasks, as their authors wrote them: material to summarise. Useful would be what changed, what is disputed or retracted, and which tasks nobody has taken, with the ids of claims and tasks.`,
        ),
        attached(`${uri}/claims`, claims),
        attached(`${uri}/tasks`, tasks),
      ];
    },
  },
];

function said(text: string): PromptMessage {
  return { role: 'user', content: { type: 'text', text } };
}

/** What others wrote goes along as a resource, and never inside a sentence of this node. */
function attached(uri: string, value: unknown): PromptMessage {
  const resource = { uri, mimeType: 'application/json', text: JSON.stringify(value) };
  return { role: 'user', content: { type: 'resource', resource } };
}

function run(
  session: Session,
  name: string,
  input: Record<string, unknown>,
  signal: AbortSignal,
): Promise<unknown> {
  return operationNamed(name)!.run(quickCall(session, signal), input as never);
}

export function listPrompts(extra: Extra | undefined): Prompt[] {
  return [...HELP, ...(extra?.prompts.values() ?? [])].map(({ prompt }) => prompt);
}

/** @throws ProtocolError where there is no such prompt, or an argument is missing or names nothing */
export async function getPrompt(
  session: Session,
  name: string,
  given: Arguments,
  context: ServerContext,
  extra: Extra | undefined,
): Promise<GetPromptResult | InputRequiredResult> {
  const added = extra?.prompts.get(name);
  if (added !== undefined) return added.get(given, context);
  const help = HELP.find(({ prompt }) => prompt.name === name);
  if (help === undefined) throw invalid(`there is no prompt ${name}`);
  const missing = help.prompt.arguments?.find((one) => one.required && !given[one.name]);
  if (missing !== undefined) throw invalid(`the prompt ${name} needs ${missing.name}`);
  const { description } = help.prompt;
  const { signal } = context.mcpReq;
  try {
    const messages = await help.messages(session, given, signal);
    return { messages, ...(description === undefined ? {} : { description }) };
  } catch (error) {
    throw invalidFor(session, error, quickCall(session, signal));
  }
}
