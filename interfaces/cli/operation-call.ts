/** What `lb call` does: apart from the verb, since the schemas of all operations take a while to load. */
import { NotFoundError, RefusedError, UsageError } from '../../actors/errors.ts';
import { describeFailure } from '../operations/failure.ts';
import { performOnce } from '../operations/idempotency.ts';
import type { Call, Operation } from '../operations/operation.ts';
import { OPERATIONS, operationNamed } from '../operations/registry.ts';
import type { Run } from './context.ts';
import { ExplainedRefusal } from './errors.ts';
import { readTextInput } from './files.ts';
import { jsonText, Verbatim } from './json.ts';
import { similarTo } from './suggest.ts';
import { type Column, printTable } from './table.ts';
import { ownName } from './verb-run.ts';

export interface CallOptions {
  readonly key?: string;
}

/** Whether an operation signs; of one that does not exist, nothing does. */
export const isSigned = (name: string | undefined): boolean =>
  name !== undefined && operationNamed(name)?.scope === 'write';

/** Calls the operation that `lb call` was given, or lists all. */
export async function callOperation(run: Run<CallOptions>): Promise<void> {
  const [name, json = '{}'] = run.args;
  if (name === undefined) return list(run);
  const operation = named(name);
  const taken = operation.take(parsed(json === '-' ? await readTextInput(run.terminal, '-') : json));
  if (taken.input === undefined) throw new UsageError(`${name}: ${taken.problems.join('; ')}`);
  const node = await run.node();
  await run.readyToSeal();
  const progress = run.progress(name);
  const scene: Call = {
    node,
    identity: node.isLocked ? undefined : node.identity(run.options.as ?? ownName(node)).name,
    signal: run.signal,
    names: (operation) => `lb call ${operation}`,
    progress: (done, total) => progress.update(done, total),
  };
  const { input } = taken;
  const { key } = run.options;
  const work = () => operation.run(scene, input);
  const { result } = await inTerms(operation, scene, () =>
    performOnce(scene, operation, input, { key, work }),
  );
  progress.end();
  run.print(new Verbatim(result), () => run.out.line(jsonText(result, 2)));
}

/** Refusals in the terms of operations: who calls one has parameters, and not the flags of the verbs. */
async function inTerms<T>(operation: Operation, scene: Call, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error;
    const { message: why, next } = describeFailure(error, scene, { operation });
    throw new ExplainedRefusal(error.refusal, { why, next });
  }
}

function named(name: string): Operation {
  const operation = operationNamed(name);
  if (operation !== undefined) return operation;
  const [meant] = similarTo(
    name,
    OPERATIONS.map((one) => one.name),
  );
  const hint = meant === undefined ? 'lb call lists all' : `did you mean ${meant}?`;
  throw new NotFoundError(`there is no operation ${name}; ${hint}`);
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch (error) {
    throw new UsageError(`the parameters are not JSON: ${(error as Error).message}`);
  }
}

function list(run: Run): void {
  const columns: readonly Column<Operation>[] = [
    { header: 'operation', value: ({ name }) => name },
    { header: 'toolset', value: ({ toolset }) => toolset },
    { header: 'scope', value: ({ scope }) => scope },
    { header: 'what', value: ({ description }) => description, isText: true },
  ];
  const operations = OPERATIONS.map(({ name, toolset, scope, description }) => ({
    name,
    toolset,
    scope,
    description,
  }));
  run.print({ operations }, () => printTable(run.out, columns, OPERATIONS));
}
