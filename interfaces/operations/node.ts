/** The node itself: what it is, whether it is well, who lives on it. */

import { compareUtf8 } from '../../events/bytes.ts';
import { version } from '../cli/version.ts';
import { health } from '../observability/health.ts';
import { cursor, limit, ownKey } from './call.ts';
import { define, type Operation } from './operation.ts';
import { describedPage } from './room.ts';
import { flag, input, list, number, optional, output, text } from './schema.ts';

const nodeInfo = define({
  name: 'node_info',
  title: 'Describe the node',
  description: 'Version, groups, and who you are on this node.',
  toolset: 'network',
  effect: 'reads',
  input: input({}),
  output: output({
    version: text(),
    status: text(),
    groups: number(),
    identity: optional(text()),
    public_key: optional(text()),
    is_locked: flag(),
  }),
  run(call) {
    const { node, identity } = call;
    const key = ownKey(call);
    return {
      version: version(),
      status: node.status,
      groups: node.groupIds().length,
      is_locked: node.isLocked,
      ...(identity === undefined || key === undefined ? {} : { identity, public_key: key }),
    };
  },
});

const nodeHealth = define({
  name: 'node_health',
  title: 'See whether the node is well',
  description: 'Checks of storage, disk, clock, groups and keys.',
  toolset: 'network',
  effect: 'reads',
  input: input({}),
  output: output({
    status: text(),
    checks: list(output({ name: text(), status: text(), detail: text(), next: optional(text()) })),
  }),
  async run({ node, names }) {
    const { status, checks } = await health(node, node.data, names);
    return { status, checks: checks.map((check) => ({ ...check })) };
  },
});

const listIdentities = define({
  name: 'list_identities',
  title: 'List identities',
  description: 'The identities of this node with their keys.',
  toolset: 'network',
  effect: 'reads',
  scope: 'admin',
  input: input({ limit: limit(100), cursor }),
  output: output({
    identities: list(output({ name: text(), public_key: text(), is_node: flag() })),
    next_cursor: optional(text()),
  }),
  run(call, { limit = 100, cursor }) {
    const all = [...call.node.identities()].sort((one, other) => compareUtf8(one.name, other.name));
    const { page: identities, next } = describedPage(call, all, {
      keyOf: ({ name }) => name,
      describe: ({ name, publicKey, isNode }) => ({ name, public_key: publicKey, is_node: isNode }),
      cursor,
      limit,
    });
    return { identities, ...next };
  },
});

const createIdentity = define({
  name: 'create_identity',
  title: 'Make an identity',
  description: 'Makes an identity with a key of its own on this node.',
  toolset: 'network',
  effect: 'adds',
  scope: 'admin',
  input: input({ name: text('1 to 64 of the characters A-Z a-z 0-9 . _ -') }),
  output: output({ name: text(), public_key: text() }),
  async run({ node }, { name }) {
    const { publicKey } = await node.createIdentity(name);
    return { name, public_key: publicKey };
  },
  // It signs nothing: what it leaves behind is the identity.
  again({ node }, { name }) {
    const made = node.identities().find((one) => one.name === name);
    return made && { name, public_key: made.publicKey };
  },
});

const trustClock = define({
  name: 'trust_clock',
  title: 'Confirm the clock',
  description:
    "Says that the clock of the node's machine is right, where the node does not seal because it cannot know. Look at the clock first: a block from a clock that is ahead keeps others from writing.",
  toolset: 'network',
  effect: 'sets',
  scope: 'admin',
  input: input({}),
  output: output({ clock_ms: number() }),
  run({ node }) {
    node.trustClock();
    return { clock_ms: Date.now() };
  },
});

export const nodeDesk: readonly Operation[] = [
  nodeInfo,
  nodeHealth,
  listIdentities,
  createIdentity,
  trustClock,
];
