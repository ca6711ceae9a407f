/** All vectors of version 1, made anew. */
import type { Vectors } from './entries.ts';
import { artifactVectors, exportVectors } from './files.ts';
import { malformedVectors } from './malformed.ts';
import { networkVectors } from './network.ts';
import { orderVectors } from './order.ts';
import { proofVectors } from './proofs.ts';
import { blockVectors, operationVectors, stateVectors, transactionVectors } from './records.ts';
import { refusalVectors } from './refusals.ts';
import { payloadVectors, wireVectors } from './wire.ts';

export const makeVectors = (): Vectors => ({
  operations: operationVectors(),
  transactions: transactionVectors(),
  blocks: blockVectors(),
  state: stateVectors(),
  refusals: refusalVectors(),
  malformed: malformedVectors(),
  payloads: payloadVectors(),
  network: networkVectors(),
  wire: wireVectors(),
  order: orderVectors(),
  proofs: proofVectors(),
  artifacts: artifactVectors(),
  exports: exportVectors(),
});
