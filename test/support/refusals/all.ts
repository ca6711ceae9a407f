/** A scenario for every refusal code; total by type. */

import type { RefusalCode } from '../../../events/refusals.ts';
import { blockScenarios, transactionScenarios } from './chain.ts';
import { groupScenarios, membershipScenarios, tokenScenarios } from './group.ts';
import { marketScenarios } from './market.ts';
import type { ScenariosOf } from './scenario.ts';
import { knowledgeScenarios, presenceScenarios, taskScenarios } from './work.ts';

export const SCENARIOS: ScenariosOf<RefusalCode> = {
  ...blockScenarios,
  ...transactionScenarios,
  ...groupScenarios,
  ...membershipScenarios,
  ...taskScenarios,
  ...knowledgeScenarios,
  ...presenceScenarios,
  ...marketScenarios,
  ...tokenScenarios,
};
