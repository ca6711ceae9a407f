/** Resources with fixed content, and one whose content follows from its address. */
import type { ReadResourceResult, Resource, ResourceTemplateType } from '@modelcontextprotocol/server';
import { IMAGE } from './samples.ts';

const TEXT = 'test://static-text';
const BINARY = 'test://static-binary';
const WATCHED = 'test://watched-resource';

export const fixtureResources: readonly Resource[] = [
  { uri: TEXT, name: 'static-text', description: 'A text', mimeType: 'text/plain' },
  { uri: BINARY, name: 'static-binary', description: 'An image', mimeType: 'image/png' },
  { uri: WATCHED, name: 'watched-resource', description: 'A text to subscribe to', mimeType: 'text/plain' },
];

export const fixtureTemplates: readonly ResourceTemplateType[] = [
  {
    uriTemplate: 'test://template/{id}/data',
    name: 'template',
    description: 'Data of an id',
    mimeType: 'application/json',
  },
];

export function readFixture(uri: string): ReadResourceResult | undefined {
  if (uri === TEXT) return said(uri, 'text/plain', 'This is the content of the static text resource.');
  if (uri === WATCHED) return said(uri, 'text/plain', 'Watched resource content');
  if (uri === BINARY) return { contents: [{ uri, mimeType: 'image/png', blob: IMAGE }] };
  const id = /^test:\/\/template\/([^/]+)\/data$/.exec(uri)?.[1];
  if (id === undefined) return undefined;
  return said(
    uri,
    'application/json',
    JSON.stringify({ id, templateTest: true, data: `Data for ID: ${id}` }),
  );
}

function said(uri: string, mimeType: string, text: string): ReadResourceResult {
  return { contents: [{ uri, mimeType, text }] };
}
