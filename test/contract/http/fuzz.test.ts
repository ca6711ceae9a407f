/**
 * Every operation, given what no client in its right mind sends: wrong types, sizes and encodings. Each is answered
 * with a 4xx, none with a 500, and nothing stops the node for longer than a moment.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { OPERATIONS } from '../../../interfaces/operations/registry.ts';
import { Fuzzed, VALUES } from '../../support/fuzz.ts';

let fuzzed: Fuzzed;
beforeAll(async () => {
  fuzzed = await Fuzzed.open();
});
afterAll(() => fuzzed.close());

/** How long an operation waits for others. Where that is not what is wrong, it waits for nobody. */
const PATIENCE = ['timeout_ms', 'wait_seconds'];

/** What fits a parameter, so that the one beside it is what is wrong. */
function fitting(name: string, schema: Record<string, unknown>): unknown {
  if (PATIENCE.includes(name)) return 0;
  if (name === 'task_id') return 'one';
  if (Array.isArray(schema.enum)) return schema.enum[0];
  if (Array.isArray(schema.anyOf)) return 1;
  switch (schema.type) {
    case 'integer':
      return schema.minimum ?? 1;
    case 'array':
      return [];
    case 'object':
      return {};
    case 'boolean':
      return false;
    default:
      return 'abcdef01';
  }
}

/** As left out: then it waits for its usual time, which is no fault. */
const isNothing = (value: unknown): boolean =>
  value === null || (typeof value === 'string' && value.trim() === '');

describe('an operation', () => {
  test.each(OPERATIONS.map((one) => [one.name, one] as const))(
    '%s answers anything in any parameter',
    async (name, { input, effect }) => {
      const properties = Object.entries(input.properties) as [string, Record<string, unknown>][];
      const faults: string[] = [];
      const required = new Set([...((input as { required?: string[] }).required ?? []), ...PATIENCE]);
      const path = `/v1/${name}`;
      for (const [wrong] of properties)
        for (const value of VALUES) {
          if (PATIENCE.includes(wrong) && isNothing(value)) continue;
          const others = properties.filter(([other]) => other !== wrong && required.has(other));
          const asked = {
            ...Object.fromEntries(others.map(([other, schema]) => [other, fitting(other, schema)])),
            [wrong]: value,
          };
          const said = `${name} ${wrong}=${JSON.stringify(value)?.slice(0, 60)}`;
          const body = JSON.stringify(asked);
          faults.push(...(await fuzzed.faultsOf(said, { method: 'POST', path, body })));
          if (effect !== 'reads' || typeof value !== 'string' || !value.isWellFormed()) continue;
          const query = new URLSearchParams(
            Object.entries(asked).map(([key, one]): [string, string] => [key, String(one)]),
          );
          faults.push(...(await fuzzed.faultsOf(`GET ${said}`, { method: 'GET', path: `${path}?${query}` })));
        }
      const isPatient = PATIENCE.some((one) => Object.hasOwn(input.properties, one));
      for (const value of VALUES) {
        // An empty object is one without a fault, where nothing is required.
        if (isPatient && JSON.stringify(value ?? {}) === '{}') continue;
        const said = `${name} body=${JSON.stringify(value)?.slice(0, 60)}`;
        faults.push(...(await fuzzed.faultsOf(said, { method: 'POST', path, body: JSON.stringify(value) })));
      }
      expect(faults).toEqual([]);
    },
    120_000,
  );
});
