/**
 * Every operation of the protocol under its name and code: the one list that records, rules, documentation
 * and tools are made from. A domain adds its operations here with one line.
 */
import type { Codec, FieldType } from './codec.ts';
import { OPERATIONS_PER_TRANSACTION_MAX } from './limits.ts';
import type { OperationDefinition } from './operations/define.ts';
import { type GroupOperation, groupOperations } from './operations/group.ts';
import { type KnowledgeOperation, knowledgeOperations } from './operations/knowledge.ts';
import { type MarketOperation, marketOperations } from './operations/market.ts';
import { type MembershipOperation, membershipOperations } from './operations/membership.ts';
import { type PresenceOperation, presenceOperations } from './operations/presence.ts';
import { type TaskOperation, taskOperations } from './operations/tasks.ts';
import { type TokenOperation, tokenOperations } from './operations/tokens.ts';
import { MalformedError } from './reader.ts';

/** One thing that a transaction asks for. */
export type Operation =
  | GroupOperation
  | MembershipOperation
  | TokenOperation
  | KnowledgeOperation
  | TaskOperation
  | PresenceOperation
  | MarketOperation;
export type OperationType = Operation['type'];
export type OperationOf<T extends OperationType> = Extract<Operation, { type: T }>;

type AnyDefinition = OperationDefinition<Record<string, unknown>>;

export const OPERATIONS = {
  ...groupOperations,
  ...membershipOperations,
  ...tokenOperations,
  ...knowledgeOperations,
  ...taskOperations,
  ...presenceOperations,
  ...marketOperations,
} satisfies Record<OperationType, AnyDefinition>;

/** Codes that once had a meaning. They stay here as data so that none is ever given out again. */
export const RETIRED_OPERATION_CODES: readonly number[] = [];

const byCode: ({ type: OperationType; definition: AnyDefinition } | undefined)[] = [];
for (const [type, definition] of Object.entries(OPERATIONS) as [OperationType, AnyDefinition][]) {
  if (byCode[definition.code] !== undefined || RETIRED_OPERATION_CODES.includes(definition.code))
    throw new Error(`registry.ts: the operation code ${definition.code} is given out twice`);
  byCode[definition.code] = { type, definition };
}
const CODE_MAX = byCode.length - 1;

const operationFieldType: FieldType = { kind: 'record', fields: [] };

/** `[code, ...fields]`. */
export const operationCodec: Codec<Operation> = {
  describe: operationFieldType,
  write: (writer, operation) => {
    const definition: AnyDefinition = OPERATIONS[operation.type];
    writer.arrayHeader(definition.list.names.length + 1);
    writer.uint(definition.code);
    definition.list.write(writer, operation);
  },
  read: (reader) => {
    const count = reader.arrayHeader();
    const entry = byCode[reader.uint(CODE_MAX)];
    if (entry === undefined) return reader.fail('expected the code of an operation');
    const { type, definition } = entry;
    if (count !== definition.list.names.length + 1)
      reader.fail(`expected ${definition.list.names.length} fields of ${type}`);
    const operation: Record<string, unknown> = { type };
    definition.list.readInto(reader, operation);
    return operation as Operation;
  },
  check: (value, path) => {
    const type = (value as { type?: unknown } | null)?.type;
    if (typeof type !== 'string' || !Object.hasOwn(OPERATIONS, type))
      throw new MalformedError(`${path}: expected an operation`);
    OPERATIONS[type as OperationType].list.check(value, type);
  },
};

/** Throws `MalformedError`, naming the field, unless these operations may stand in one transaction. */
export function checkOperations(operations: readonly Operation[]): void {
  if (operations.length < 1 || operations.length > OPERATIONS_PER_TRANSACTION_MAX)
    throw new MalformedError(`operations: expected 1 to ${OPERATIONS_PER_TRANSACTION_MAX}`);
  for (const operation of operations) operationCodec.check(operation, '');
}
