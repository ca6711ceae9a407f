/** Who belongs to the group, in which role, and who seals. */
import { bytesOf, timestamp } from '../fields.ts';
import { INVITE_USES_MAX, PROFILE_NAME_CHARACTERS_MAX } from '../limits.ts';
import { id, list, type OperationsOf, operation, role, text, uint } from './define.ts';

export const membershipOperations = {
  member_add: operation(10, 'Adds a member or changes their role (admin).', { member: id, role }),
  member_remove: operation(11, 'Removes a member (admin, or oneself).', { member: id }),
  invite_create: operation(12, 'Opens an invite that a join code is made from (admin).', {
    invite: id,
    role,
    maxUses: uint(INVITE_USES_MAX),
    expiresMs: timestamp,
  }),
  invite_accept: operation(13, 'Joins by an invite; the proof is the invite key over group and joiner.', {
    invite: id,
    proof: bytesOf(64),
  }),
  invite_revoke: operation(14, 'Closes an invite (admin).', { invite: id }),
  profile_set: operation(15, 'Sets the name that others see (oneself).', {
    name: text({ maxCharacters: PROFILE_NAME_CHARACTERS_MAX, min: 1 }),
  }),
  sealer_set: operation(
    16,
    'Proposes who seals next, who must accept; the present sealer: withdraws (admin).',
    {
      sealers: list(id, { max: 16, unique: true }),
    },
  ),
  sealer_accept: operation(17, 'Takes the sealing over (who was proposed).', {}),
};
export type MembershipOperation = OperationsOf<typeof membershipOperations>;
