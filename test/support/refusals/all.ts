/** A scenario for every refusal code; total by type. */

import { blockScenarios, transactionScenarios } from './chain.ts';
import { groupScenarios, membershipScenarios, tokenScenarios } from './group.ts';
import { marketScenarios } from './market.ts';
import type { Scenarios } from './scenario.ts';
import { knowledgeScenarios, presenceScenarios, taskScenarios } from './work.ts';

export const SCENARIOS: Scenarios = {
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
