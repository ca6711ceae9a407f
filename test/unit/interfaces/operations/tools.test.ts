/** What every agent is offered: the names and parameters that it knows, and no more text than it can bear. */
import { Tiktoken } from 'js-tiktoken/lite';
import ranks from 'js-tiktoken/ranks/o200k_base';
import { describe, expect, test } from 'vitest';
import { toolOf } from '../../../../interfaces/mcp/tools.ts';
import { OPERATIONS, operationsOf } from '../../../../interfaces/operations/registry.ts';
import { TOOLSETS, type Toolset } from '../../../../interfaces/operations/toolset.ts';

const TOKENS_MAX = 6_500;

/** The parameters of each default tool, those that must be given marked. */
const DEFAULT_TOOLS: Readonly<Record<string, string>> = {
  publish_claim: 'group_id text! tags parent_hash evidence idempotency_key',
  compile_context: 'group_id query! top_k since_ms tags',
  get_recent_claims: 'since_ms limit cursor',
  watch_claims: 'cursor group_id timeout_ms limit',
  get_claim: 'group_id claim_id! offset',
  create_task: 'group_id title! task_id description assignee due_ms reward lease_ms tags idempotency_key',
  start_task: 'group_id task_id! attempt idempotency_key',
  complete_task: 'group_id task_id! result result_text attempt idempotency_key',
  fail_task: 'group_id task_id! error attempt idempotency_key',
  list_tasks: 'group_id query status assignee tags limit cursor',
  next_task: 'group_id tags idempotency_key',
  update_presence: 'group_id status! metadata idempotency_key',
  get_presence: 'group_id limit cursor',
  create_offer: 'group_id title! content! price! description tags expires_ms idempotency_key',
  list_offers: 'group_id limit cursor',
  purchase_offer: 'group_id offer_id! offset idempotency_key',
  get_task: 'group_id task_id!',
  report_progress: 'group_id task_id! note attempt idempotency_key',
  release_task: 'group_id task_id! attempt idempotency_key',
};

const tools = (...toolsets: Toolset[]) => operationsOf(new Set(toolsets)).map(toolOf);

function parametersOf({ inputSchema }: ReturnType<typeof toolOf>): string {
  const { properties = {}, required = [] } = inputSchema as {
    properties?: Record<string, unknown>;
    required?: string[];
  };
  return Object.keys(properties)
    .map((name) => (required.includes(name) ? `${name}!` : name))
    .join(' ');
}

test('the default tools have these names and parameters', () => {
  const found = Object.fromEntries(tools('default').map((tool) => [tool.name, parametersOf(tool)]));
  expect(found).toEqual(DEFAULT_TOOLS);
});

test('compile_context gives eight claims, unless asked otherwise', () => {
  const [context] = tools('default').filter(({ name }) => name === 'compile_context');
  expect(context!.inputSchema.properties).toMatchObject({ top_k: { default: 8 } });
});

test(`the default tools take at most ${TOKENS_MAX} tokens in all`, () => {
  const tokenizer = new Tiktoken(ranks);
  const counts = tools('default').map((tool) => tokenizer.encode(JSON.stringify(tool)).length);
  const sum = counts.reduce((all, one) => all + one, 0);
  console.log(`${counts.length} default tools: ${sum} tokens, the longest ${Math.max(...counts)}`);
  expect(counts).toHaveLength(Object.keys(DEFAULT_TOOLS).length);
  expect(sum).toBeLessThanOrEqual(TOKENS_MAX);
});

describe('every operation', () => {
  test.each(OPERATIONS.map((operation) => [operation.name, operation] as const))('%s', (name, operation) => {
    expect(name).toMatch(/^[a-z]+(_[a-z]+)*$/);
    expect(operation.title).toMatch(/^[A-Z].*[^.]$/);
    expect(operation.description).toMatch(/^[A-Z].*\.$/);
    expect(operation.input).toMatchObject({ type: 'object', additionalProperties: false });
    expect(operation.output).toMatchObject({ type: 'object' });
    const { readOnlyHint, destructiveHint } = toolOf(operation).annotations!;
    expect(readOnlyHint && destructiveHint).toBe(false);
    if (operation.scope === 'read') expect(readOnlyHint).toBe(true);
  });

  test('has a name of its own', () => {
    expect(new Set(OPERATIONS.map(({ name }) => name)).size).toBe(OPERATIONS.length);
  });

  test('is in a toolset, and no toolset but the fixtures is empty', () => {
    const used = new Set(OPERATIONS.map(({ toolset }) => toolset));
    expect([...used].sort()).toEqual(
      Object.keys(TOOLSETS)
        .filter((name) => name !== 'conformance')
        .sort(),
    );
  });
});
