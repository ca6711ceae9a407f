/** What still lets somebody in who was removed: keys are free, so whoever has the code of an open invite comes back. */
import type { GroupView, Invite } from '../../actors/group-view.ts';
import { shortId } from './text.ts';

/** Named at most; more are counted. */
const NAMED_MAX = 3;

/** Whether somebody can join by the invite. */
export function isOpenInvite({ revoked, expiresMs, uses, maxUses }: Invite, nowMs: number): boolean {
  return !revoked && expiresMs > nowMs && uses < maxUses;
}

/** A line for whoever removes a member while invites are open; nothing where none is. */
export function openInvitesWarning(view: GroupView, nowMs: number): string | undefined {
  const open = view.invites().filter((invite) => isOpenInvite(invite, nowMs));
  if (open.length === 0) return undefined;
  const named = open.slice(0, NAMED_MAX).map(({ invite }) => shortId(invite));
  const more = open.length - named.length;
  const which = more > 0 ? `${named.join(', ')} and ${more} more` : named.join(', ');
  return open.length === 1
    ? `an invite is still open (${which}): whoever has its code can join again under another key; revoke it if they may know it`
    : `${open.length} invites are still open (${which}): whoever has a code can join again under another key; revoke those they may know`;
}
