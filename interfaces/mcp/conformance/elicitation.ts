/** Tools that ask the client for something in the middle of a call. */
import { inputRequired, inputResponse, type ServerContext } from '@modelcontextprotocol/server';
import type { ExtraTool } from '../extra.ts';
import { described, text } from './samples.ts';

type Schema = Parameters<typeof inputRequired.elicit>[0]['requestedSchema'];

const KEY = 'answer';

/** Asks for a form, once; what comes back is told in `words`. */
function asking(context: ServerContext, message: string, requestedSchema: Schema, words: string) {
  const response = inputResponse(context.mcpReq.inputResponses, KEY);
  if (response.kind !== 'elicit')
    return inputRequired({ inputRequests: { [KEY]: inputRequired.elicit({ message, requestedSchema }) } });
  const { action, content = {} } = response;
  return text(`${words}: action=${action}, content=${JSON.stringify(content)}`);
}

const DEFAULTS: Schema = {
  type: 'object',
  properties: {
    name: { type: 'string', description: 'Name', default: 'John Doe' },
    age: { type: 'integer', description: 'Age', default: 30 },
    score: { type: 'number', description: 'Score', default: 95.5 },
    status: {
      type: 'string',
      description: 'Status',
      enum: ['active', 'inactive', 'pending'],
      default: 'active',
    },
    verified: { type: 'boolean', description: 'Whether it is verified', default: true },
  },
  required: [],
};

const options = ['option1', 'option2', 'option3'];
const titled = (what: string) =>
  ['First', 'Second', 'Third'].map((place, at) => ({ const: `value${at + 1}`, title: `${place} ${what}` }));

const ENUMS: Schema = {
  type: 'object',
  properties: {
    untitledSingle: { type: 'string', description: 'One of three', enum: options },
    titledSingle: { type: 'string', description: 'One of three with titles', oneOf: titled('Option') },
    legacyEnum: {
      type: 'string',
      description: 'One of three, the old way',
      enum: ['opt1', 'opt2', 'opt3'],
      enumNames: ['Option One', 'Option Two', 'Option Three'],
    },
    untitledMulti: {
      type: 'array',
      description: 'Some of three',
      minItems: 1,
      maxItems: 3,
      items: { type: 'string', enum: options },
    },
    titledMulti: {
      type: 'array',
      description: 'Some of three with titles',
      minItems: 1,
      maxItems: 3,
      items: { anyOf: titled('Choice') },
    },
  },
  required: [],
};

const ACCOUNT: Schema = {
  type: 'object',
  properties: {
    username: { type: 'string', description: "User's response" },
    email: { type: 'string', description: "User's email address" },
  },
  required: ['username', 'email'],
};

export const elicitationTools: readonly ExtraTool[] = [
  {
    tool: described('test_sampling', 'Has the client sample.', 'prompt'),
    call({ prompt }, { mcpReq }) {
      const response = inputResponse(mcpReq.inputResponses, KEY);
      if (response.kind === 'sampling') {
        const [content] = [response.result.content].flat();
        return text(`LLM response: ${content?.type === 'text' ? content.text : ''}`);
      }
      const question = { type: 'text' as const, text: String(prompt) };
      const messages = [{ role: 'user' as const, content: question }];
      return inputRequired({
        inputRequests: { [KEY]: inputRequired.createMessage({ messages, maxTokens: 100 }) },
      });
    },
  },
  {
    tool: described('test_elicitation', 'Asks the user for an account.', 'message'),
    call: ({ message }, context) => asking(context, String(message), ACCOUNT, 'User response'),
  },
  {
    tool: described('test_elicitation_sep1034_defaults', 'Asks with a default for every type.'),
    call: (_, context) => asking(context, 'Please review the form', DEFAULTS, 'Elicitation completed'),
  },
  {
    tool: described('test_elicitation_sep1330_enums', 'Asks with every kind of choice.'),
    call: (_, context) => asking(context, 'Please choose', ENUMS, 'Elicitation completed'),
  },
  {
    tool: described('test_streaming_elicitation', 'Asks in the middle of a call.'),
    call: (_, context) => asking(context, 'Please review the form', DEFAULTS, 'Elicitation completed'),
  },
];
