/**
 * The fixtures that the protocol's own conformance suite asks a server for, so that anybody can run it against a node:
 * the tools, resources and prompts that its scenarios name, with the results that they prescribe. They are offered
 * only where the toolset `conformance` is asked for, touch no group, and show the same server, transport and gate
 * that agents use.
 */
import type { Extra, ExtraPrompt, ExtraTool } from '../extra.ts';
import { contentTools } from './content.ts';
import { elicitationTools } from './elicitation.ts';
import { fixturePrompts } from './prompts.ts';
import { fixtureResources, fixtureTemplates, readFixture } from './resources.ts';
import { roundTools, stateCodec } from './rounds.ts';

export const conformanceFixtures: Extra = {
  capabilities: { logging: {} },
  requestState: { verify: (state, context) => stateCodec.verify(state, context) },
  tools: byName([...contentTools, ...elicitationTools, ...roundTools], ({ tool }: ExtraTool) => tool.name),
  prompts: byName(fixturePrompts, ({ prompt }: ExtraPrompt) => prompt.name),
  resources: fixtureResources,
  templates: fixtureTemplates,
  read: readFixture,
};

function byName<T>(all: readonly T[], nameOf: (one: T) => string): ReadonlyMap<string, T> {
  return new Map(all.map((one) => [nameOf(one), one]));
}
