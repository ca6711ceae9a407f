/**
 * The agent card: what A2A clients find at its well-known path. It says where and how, to everybody; which groups
 * there are is said to callers with a token, by the extended card. It is signed with the node's own key (EdDSA), by
 * which peers know the node too, so a client that has pinned the key knows whose card it is.
 */
import { type AgentCard, type AgentSkill, canonicalizeAgentCard } from '@a2a-js/sdk';
import type { Group } from '../../actors/group.ts';
import { fromHex, utf8 } from '../../events/bytes.ts';
import type { BatteryNode } from '../../node.ts';
import { version } from '../cli/version.ts';
import type { Place } from './call.ts';

export const PROTOCOL_VERSION = '1.0';
export const JSON_RPC_PATH = '/a2a';
export const KEYS_PATH = '/.well-known/jwks.json';

/** The card that everybody gets. @param base the address under which the caller knows this node */
export function publicCard(base: string): AgentCard {
  const url = base + JSON_RPC_PATH;
  const at = (protocolBinding: string) => ({
    url,
    protocolBinding,
    tenant: '',
    protocolVersion: PROTOCOL_VERSION,
  });
  return {
    name: 'Battery Node',
    description: 'Hands work to the agents of a group, and follows it to its end.',
    supportedInterfaces: [at('JSONRPC'), at('HTTP+JSON')],
    provider: undefined,
    version: version(),
    capabilities: { streaming: true, pushNotifications: true, extensions: [], extendedAgentCard: true },
    securitySchemes: {
      bearer: {
        scheme: {
          $case: 'httpAuthSecurityScheme',
          value: { description: 'An access token of the node', scheme: 'Bearer', bearerFormat: '' },
        },
      },
    },
    securityRequirements: [{ schemes: { bearer: { list: [] } } }],
    defaultInputModes: ['text/plain', 'application/json'],
    defaultOutputModes: ['text/plain'],
    skills: [
      skill(
        'delegate',
        'Hand over work',
        'A message becomes a task of the group; whoever takes it and completes it answers with the result. Where the node has several groups, the tenant says which.',
      ),
    ],
    signatures: [],
  };
}

/** The card for callers with a token: each group is a skill, and its id the tenant to name. */
export function extendedCard(base: string, groups: readonly Group[]): AgentCard {
  const skills = groups.map((group) =>
    skill(group.groupId, group.standing().name, `Hands work to this group; the tenant is ${group.groupId}.`),
  );
  const card = publicCard(base);
  return { ...card, skills: [...card.skills, ...skills] };
}

function skill(id: string, name: string, description: string): AgentSkill {
  return {
    id,
    name,
    description,
    tags: ['tasks', 'delegation'],
    examples: [],
    inputModes: [],
    outputModes: [],
    securityRequirements: [],
  };
}

const base64url = (bytes: Uint8Array | string): string => Buffer.from(bytes).toString('base64url');

/**
 * The card with the node's signature, a JWS over its canonical form; without one while the keys are locked, and for an
 * address that only the caller says is ours: a signed card with the address of another would send clients there.
 */
export function signed(node: BatteryNode, card: AgentCard, { base, isOurs }: Place): AgentCard {
  if (node.isLocked || !isOurs) return card;
  const { signer } = node.networkPort;
  const header = { alg: 'EdDSA', typ: 'JOSE', kid: signer.publicKey, jku: base + KEYS_PATH };
  const encoded = base64url(JSON.stringify(header));
  const payload = base64url(canonicalizeAgentCard(card));
  // Nothing else that this key signs begins as such a header does: all of it begins with "lb/" and a purpose.
  const signature = signer.sign(new Uint8Array(0), utf8(`${encoded}.${payload}`));
  return {
    ...card,
    signatures: [{ protected: encoded, signature: base64url(signature), header: undefined }],
  };
}

/** The node's key as a set of JSON web keys (RFC 8037). */
export function keySet(node: BatteryNode): object {
  const { publicKey } = node.identities().find(({ isNode }) => isNode)!;
  const x = base64url(fromHex(publicKey));
  return { keys: [{ kty: 'OKP', crv: 'Ed25519', x, kid: publicKey, alg: 'EdDSA', use: 'sig' }] };
}
