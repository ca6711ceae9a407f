/** What callers are told to do next: always something, and only what is offered where they are. */
import { describe, expect, test } from 'vitest';
import { ClockJumpedError } from '../../../../actors/clock.ts';
import { AmbiguousIdError, NotFoundError, RefusedError, UsageError } from '../../../../actors/errors.ts';
import { REFUSAL_CODES, type RefusalCode } from '../../../../events/refusals.ts';
import { namesIn, type Session } from '../../../../interfaces/mcp/session.ts';
import { toolOf } from '../../../../interfaces/mcp/tools.ts';
import { describeFailure } from '../../../../interfaces/operations/failure.ts';
import { inTermsOf, type Names } from '../../../../interfaces/operations/next-steps.ts';
import type { Scope } from '../../../../interfaces/operations/operation.ts';
import { OPERATIONS, operationNamed, operationsOf } from '../../../../interfaces/operations/registry.ts';
import { TOOLSETS, type Toolset } from '../../../../interfaces/operations/toolset.ts';
import { SCENARIOS } from '../../../support/refusals/all.ts';
import { refusalOf } from '../../../support/refusals/run.ts';
import type { Scenario } from '../../../support/refusals/scenario.ts';
import { World } from '../../../support/world.ts';

const node = { identities: () => [] } as unknown as Session['node'];
const NAMES: readonly string[] = OPERATIONS.map(({ name }) => name);

function session(toolsets: readonly Toolset[], scopes: readonly Scope[] = ['read', 'write']): Session {
  return {
    node,
    identity: undefined,
    scopes: new Set(scopes),
    toolsets: new Set(toolsets),
    answerTokens: 20_000,
    report: () => {},
  };
}

/** Every surface, by what it is offered. */
const SURFACES: readonly (readonly [string, Names])[] = [
  ...(Object.keys(TOOLSETS) as Toolset[]).map((one): [string, Names] => [
    `MCP with the toolset ${one}`,
    namesIn(session([one])),
  ]),
  ['MCP for one who reads', namesIn(session(['default', 'tasks'], ['read']))],
  ['A2A', () => undefined],
];

/** Verbs and flags of the command line. */
const SHELL = /\blb [a-z]|(^|[\s(])--[a-z]/;

function expectTermsOf(names: Names, text: string): void {
  expect(text).not.toMatch(SHELL);
  expect(text).not.toMatch(/\{[a-z_]+\}|undefined/);
  const spoken = text.match(/\b[a-z]+(?:_[a-z]+)+\b/g) ?? [];
  for (const word of spoken)
    if (NAMES.includes(word)) expect(names(word), `${word} in: ${text}`).toBeDefined();
}

describe.each(SURFACES)('over %s', (_, names) => {
  test('every refusal says why and what next, in terms of that surface', async () => {
    for (const [code, scenario] of Object.entries(SCENARIOS) as [RefusalCode, Scenario][]) {
      const world = new World();
      for (const step of scenario.given) step(world);
      const refusal = (await refusalOf(world, scenario))!;
      const failure = describeFailure(new RefusedError(refusal), { node, identity: undefined, names });
      expect(failure.code).toBe(code);
      expect(failure.message.length).toBeGreaterThan(10);
      expect(failure.next.length).toBeGreaterThan(10);
      expectTermsOf(names, failure.message);
      expectTermsOf(names, failure.next);
    }
    expect(Object.keys(SCENARIOS).sort()).toEqual([...REFUSAL_CODES].sort());
  });

  test('so does what is no refusal', () => {
    const errors = [
      new NotFoundError('this node has no group yet; create_group makes one'),
      new NotFoundError('there is no task x'),
      new UsageError('give it as an argument or with --task; lb list-tasks shows them'),
      new AmbiguousIdError('task', 'a', ['ab', 'ac']),
      new ClockJumpedError(400_000, 3),
      new Error('what nobody thought of'),
    ];
    for (const error of errors)
      for (const operation of [undefined, operationNamed('get_task'), operationNamed('transfer')]) {
        const failure = describeFailure(
          error,
          { node, identity: undefined, names },
          operation && { operation },
        );
        expect(failure.next.length).toBeGreaterThan(10);
        expectTermsOf(names, failure.message);
        expectTermsOf(names, failure.next);
      }
  });
});

test('no description of a tool speaks of a tool of another toolset', () => {
  for (const toolset of Object.keys(TOOLSETS) as Toolset[]) {
    const names = namesIn(session([toolset]));
    for (const operation of operationsOf(new Set([toolset]))) {
      const { name, ...described } = toolOf(operation);
      // Names of parameters are no tools, whatever they are called.
      for (const [, text] of JSON.stringify(described).matchAll(/"description":"([^"]*)"/g))
        expectTermsOf(names, text!);
      expect(names(name)).toBe(operation.scope === 'admin' ? undefined : name);
    }
  }
});

test('what was written for the command line loses what is no word of the caller, and says what happened', () => {
  const names: Names = (name) => (name === 'list_tasks' ? 'lb call list_tasks' : undefined);
  const isOperation = (name: string): boolean => ['list_tasks', 'get_task'].includes(name);
  const said = (text: string): string => inTermsOf(text, names, isOperation);
  expect(said('there is no task; lb list-tasks shows them')).toBe(
    'there is no task; lb call list_tasks shows them',
  );
  expect(said('there is no task; lb show-task shows it; ask again')).toBe('there is no task; ask again');
  expect(said('name one with --task')).not.toMatch(/--|lb /);
  expect(said('nothing is sealed until it is right, or trusted with: lb trust-clock')).toBe(
    'nothing is sealed until it is right',
  );
});
