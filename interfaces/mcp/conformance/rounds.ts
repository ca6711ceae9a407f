/** Tools that need several rounds: what the client answers comes back with the next one, and so does a signed state. */
import { randomBytes } from 'node:crypto';
import {
  acceptedContent,
  createRequestStateCodec,
  type InputRequest,
  type InputRequiredResult,
  inputRequired,
  inputResponse,
  type ServerContext,
} from '@modelcontextprotocol/server';
import type { ExtraTool } from '../extra.ts';
import { capabilitiesOf } from './content.ts';
import { described, text } from './samples.ts';

/** The key lives as long as the process: a state of another process is refused. */
export const stateCodec = createRequestStateCodec<string>({ key: randomBytes(32) });

/** Asks for one text or for a yes. */
export function ask(message: string, name: string, type: 'string' | 'boolean' = 'string'): InputRequest {
  const answer = type === 'string' ? { type } : { type };
  return inputRequired.elicit({
    message,
    requestedSchema: { type: 'object', properties: { [name]: answer }, required: [name] },
  });
}

function sample(question: string, maxTokens: number): InputRequest {
  const content = { type: 'text' as const, text: question };
  return inputRequired.createMessage({ messages: [{ role: 'user', content }], maxTokens });
}

/** The text that was answered under a key; nothing where the answer is missing or of another form. */
function answered({ mcpReq }: ServerContext, key: string, name: string): string | undefined {
  const value = acceptedContent(mcpReq.inputResponses, key)?.[name];
  return typeof value === 'string' ? value : undefined;
}

function kindOf({ mcpReq }: ServerContext, key: string): string {
  return inputResponse(mcpReq.inputResponses, key).kind;
}

const NAME = 'What is your name?';

async function confirmed(
  context: ServerContext,
  done: string,
): Promise<InputRequiredResult | ReturnType<typeof text>> {
  const isConfirmed = context.mcpReq.requestState<string>() === 'confirm';
  if (isConfirmed && kindOf(context, 'confirm') === 'elicit') return text(done);
  return inputRequired({
    inputRequests: { confirm: ask('Please confirm', 'ok', 'boolean') },
    requestState: await stateCodec.mint('confirm', context),
  });
}

async function twoSteps(context: ServerContext) {
  const step = context.mcpReq.requestState<string>();
  if (step === 'step2' && answered(context, 'step2', 'color') !== undefined)
    return text(`You like ${answered(context, 'step2', 'color')}.`);
  const isNamed = step === 'step1' && answered(context, 'step1', 'name') !== undefined;
  const next = isNamed ? 'step2' : 'step1';
  const question = isNamed
    ? ask('Step 2: What is your favorite color?', 'color')
    : ask('Step 1: What is your name?', 'name');
  return inputRequired({
    inputRequests: { [next]: question },
    requestState: await stateCodec.mint(next, context),
  });
}

const MANY = { user_name: 'elicit', greeting: 'sampling', client_roots: 'roots' } as const;

async function many(context: ServerContext) {
  const isAnswered = Object.entries(MANY).every(([key, kind]) => kindOf(context, key) === kind);
  if (isAnswered) return text('All three were answered.');
  return inputRequired({
    inputRequests: {
      user_name: ask(NAME, 'name'),
      greeting: sample('Generate a greeting', 50),
      client_roots: inputRequired.listRoots(),
    },
    requestState: await stateCodec.mint('many', context),
  });
}

/** Asks for what the client can do, and for nothing else. */
function withinCapabilities(context: ServerContext) {
  const { sampling, elicitation } = capabilitiesOf(context);
  const requests: Record<string, InputRequest> = {};
  if (sampling !== undefined) requests.sample = sample('Say something', 50);
  if (elicitation !== undefined) requests.elicit = ask(NAME, 'name');
  const isAnswered = Object.keys(requests).every((key) => kindOf(context, key) !== 'missing');
  return isAnswered ? text('Asked for nothing more.') : inputRequired({ inputRequests: requests });
}

export const roundTools: readonly ExtraTool[] = [
  {
    tool: described('test_input_required_result_elicitation', 'Asks for a name.'),
    call(_, context) {
      const name = answered(context, 'user_name', 'name');
      if (name !== undefined) return text(`Hello, ${name}!`);
      return inputRequired({ inputRequests: { user_name: ask(NAME, 'name') } });
    },
  },
  {
    tool: described('test_input_required_result_sampling', 'Has the client sample.'),
    call(_, context) {
      const response = inputResponse(context.mcpReq.inputResponses, 'capital_question');
      if (response.kind === 'sampling') {
        const [content] = [response.result.content].flat();
        return text(content?.type === 'text' ? content.text : 'Something that is no text.');
      }
      return inputRequired({
        inputRequests: { capital_question: sample('What is the capital of France?', 100) },
      });
    },
  },
  {
    tool: described('test_input_required_result_list_roots', 'Asks for the roots of the client.'),
    call(_, context) {
      const response = inputResponse(context.mcpReq.inputResponses, 'client_roots');
      if (response.kind === 'roots') return text(`Roots: ${response.roots.map(({ uri }) => uri).join(', ')}`);
      return inputRequired({ inputRequests: { client_roots: inputRequired.listRoots() } });
    },
  },
  {
    tool: described('test_input_required_result_request_state', 'Brings a state back.'),
    call: (_, context) => confirmed(context, 'state-ok'),
  },
  {
    tool: described('test_input_required_result_tampered_state', 'Refuses a state that was changed.'),
    call: (_, context) => confirmed(context, 'The state is as it was.'),
  },
  {
    tool: described('test_input_required_result_multiple_inputs', 'Asks for three things at once.'),
    call: (_, context) => many(context),
  },
  {
    tool: described('test_input_required_result_multi_round', 'Asks twice.'),
    call: (_, context) => twoSteps(context),
  },
  {
    tool: described('test_input_required_result_capabilities', 'Asks for what the client can do.'),
    call: (_, context) => withinCapabilities(context),
  },
];
