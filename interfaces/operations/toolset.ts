/** The sets of operations. They stand apart from operations, whose schemas take a while to load. */

/** Which operations a server offers: `default` is what every agent needs, the others are asked for by name. */
export const TOOLSETS = {
  default: 'what every agent needs',
  knowledge: 'retractions, threads, records of runs',
  tasks: 'assign, release, cancel, report, delegate',
  groups: 'groups, members, invites, policy',
  tokens: 'balances, transfers, minting',
  market: 'what follows a purchase, for both sides; buying to the end, announcements',
  audit: 'history, audit, proofs',
  network: 'the node itself',
  conformance: "fixtures of the protocol's own test suite, for those who run it",
} as const;
export type Toolset = keyof typeof TOOLSETS;
