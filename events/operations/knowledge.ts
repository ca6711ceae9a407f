/** Claims, their retraction, and the records of agent runs. A claim's id is its artifact's hash. */
import { EVIDENCE_MAX } from '../limits.ts';
import { id, list, type OperationsOf, operation, optional, reason, tags } from './define.ts';

export const knowledgeOperations = {
  claim: operation(30, 'Publishes a claim (member).', {
    artifact: id,
    parent: optional(id),
    evidence: list(id, { max: EVIDENCE_MAX, unique: true }),
    tags,
  }),
  retract: operation(31, 'Retracts a claim (its author or an admin).', {
    claim: id,
    reason: optional(reason),
  }),
  reinstate: operation(32, 'Takes a retraction back (who retracted, or an admin).', {
    claim: id,
    reason: optional(reason),
  }),
  experience: operation(33, "Keeps an agent run's record (member).", { artifact: id }),
};
export type KnowledgeOperation = OperationsOf<typeof knowledgeOperations>;
