/** What a new group starts with. */
import type { Signer } from '../../crypto/identity.ts';
import type { Block } from '../../events/block.ts';
import type { Policy } from '../../events/operations/group.ts';
import { RULES_VERSIONS } from '../../machines/governance.ts';
import { foundGroup } from '../chain/found.ts';
import type { FinalBlock } from '../chain/judge.ts';
import { readTransaction } from '../chain/verify.ts';
import { RefusedError } from '../errors.ts';
import { completePolicy } from '../policy.ts';

export interface NewGroup {
  readonly name: string;
  readonly currency?: string;
  readonly policy?: Partial<Policy>;
  /** The identity that founds it; the node's own, if not given. */
  readonly as?: string;
}

/** Block 0 of a new group, sealed by its founder. Throws `RefusedError`. */
export function found(group: NewGroup, founder: Signer, nowMs: number): FinalBlock {
  const { name, currency = 'LB', policy = {} } = group;
  const final = foundGroup(
    founder,
    {
      type: 'genesis',
      rulesVersion: RULES_VERSIONS[0]!,
      name,
      currency,
      policy: completePolicy(policy),
    },
    nowMs,
  );
  if ('code' in final) throw new RefusedError(final);
  return final;
}

/** What a group was called in its block 0. Throws `RefusedError`. */
export function nameAtFounding({ transactions }: Block): string {
  const founding = readTransaction(transactions[0]!);
  if ('code' in founding) throw new RefusedError(founding);
  const [genesis] = founding.operations;
  return genesis?.type === 'genesis' ? genesis.name : '';
}
