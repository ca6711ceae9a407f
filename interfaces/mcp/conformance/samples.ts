/** The smallest pieces of content of each kind. */
import type { CallToolResult, Tool } from '@modelcontextprotocol/server';

/** One red point. */
export const IMAGE =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==';
/** A sound without samples. */
export const AUDIO = 'UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAAB9AAACABAAZGF0YQIAAAA=';

export function text(said: string): CallToolResult {
  return { content: [{ type: 'text', text: said }] };
}

/** A tool that takes these texts. */
export function described(name: string, description: string, ...required: readonly string[]): Tool {
  const properties = Object.fromEntries(required.map((one) => [one, { type: 'string' }]));
  return { name, description, inputSchema: { type: 'object', properties, required: [...required] } };
}
