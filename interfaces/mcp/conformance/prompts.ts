/** Prompts with each kind of content, and one that asks for something first. */
import { acceptedContent, inputRequired, type PromptMessage } from '@modelcontextprotocol/server';
import type { ExtraPrompt } from '../extra.ts';
import { ask } from './rounds.ts';
import { IMAGE } from './samples.ts';

function said(text: string): PromptMessage {
  return { role: 'user', content: { type: 'text', text } };
}

const argument = (name: string, description: string) => ({ name, description, required: true });

export const fixturePrompts: readonly ExtraPrompt[] = [
  {
    prompt: { name: 'test_simple_prompt', description: 'A text' },
    get: () => ({ messages: [said('This is a simple prompt for testing.')] }),
  },
  {
    prompt: {
      name: 'test_prompt_with_arguments',
      description: 'A text with two arguments in it',
      arguments: [argument('arg1', 'The first'), argument('arg2', 'The second')],
    },
    get: ({ arg1, arg2 }) => ({
      messages: [said(`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`)],
    }),
  },
  {
    prompt: {
      name: 'test_prompt_with_embedded_resource',
      description: 'A resource',
      arguments: [argument('resourceUri', 'Its address')],
    },
    get: ({ resourceUri }) => ({
      messages: [
        {
          role: 'user',
          content: {
            type: 'resource',
            resource: {
              uri: resourceUri!,
              mimeType: 'text/plain',
              text: 'Embedded resource content for testing.',
            },
          },
        },
        said('Please process the embedded resource above.'),
      ],
    }),
  },
  {
    prompt: { name: 'test_prompt_with_image', description: 'An image' },
    get: () => ({
      messages: [
        { role: 'user', content: { type: 'image', data: IMAGE, mimeType: 'image/png' } },
        said('Please analyze the image above.'),
      ],
    }),
  },
  {
    prompt: { name: 'test_input_required_result_prompt', description: 'A text that the user says more to' },
    get(_, { mcpReq }) {
      const given = acceptedContent(mcpReq.inputResponses, 'user_context')?.context;
      if (typeof given === 'string') return { messages: [said(`In the context of ${given}:`)] };
      return inputRequired({
        inputRequests: { user_context: ask('What context should the prompt use?', 'context') },
      });
    },
  },
];
