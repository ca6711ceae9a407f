/** From what the user typed to the thing they mean: short ids, names of identities, ids of tasks. */
import type { Command } from 'commander';
import { AmbiguousIdError, NotFoundError, UsageError } from '../../actors/errors.ts';
import type { GroupView, Offer, Purchase, Task } from '../../actors/group-view.ts';
import { PREFIX_DIGITS_MIN, resolveId, resolveKey } from '../../actors/ids.ts';
import { identityNamed } from '../../actors/node/identities.ts';
import type { Hex32 } from '../../events/bytes.ts';
import type { BatteryNode } from '../../node.ts';
import { cleanLine, shortId } from './text.ts';

/** Adds a thing that may be named by a flag, as the reference does, or by an argument, as people do. */
export function subjectOption(command: Command, what: string, description: string): Command {
  return command.argument(`[${what}]`, description).option(`--${what} <${what}>`, `the same as a flag`);
}

/** The one of flag and argument that was given. */
export function subjectOf(what: string, flag: string | undefined, argument: string | undefined): string {
  if (flag !== undefined && argument !== undefined && flag !== argument)
    throw new UsageError(`say once which ${what} you mean: ${flag} or ${argument}?`);
  const given = flag ?? argument;
  if (given === undefined) throw new UsageError(`which ${what}? give it as an argument or with --${what}`);
  return given;
}

/**
 * A member, or anyone by their key: the name of an identity on this node, a key, or the beginning of a key
 * that the group has met. Names that members gave themselves do not count, since anybody may take any name.
 */
export function memberKey(node: BatteryNode, view: GroupView, given: string): Hex32 {
  const identities = node.identities();
  const named = identityNamed(identities, given);
  if (named !== undefined) return named.publicKey;
  if (!/^[0-9a-f]+$/i.test(given) || given.length < PREFIX_DIGITS_MIN)
    throw noIdentity(identities, view, given);
  const own = identities.map(({ publicKey }) => publicKey);
  return resolveKey(given, new Set([...view.keys(), ...own]));
}

/** Whoever is meant may be a member of another node who calls themself so, or an identity that is still to be made. */
function noIdentity(
  identities: readonly { readonly name: string }[],
  view: GroupView,
  given: string,
): NotFoundError {
  const namesakes = view
    .members()
    .filter(({ name }) => name === given)
    .map(({ member }) => shortId(member));
  const has = identities.map(({ name }) => name).join(', ');
  if (namesakes.length > 0)
    return new NotFoundError(
      `there is no identity "${given}" on this node (it has ${has}), but a member of the group calls themself so, as anybody may; name the key if you mean it: ${namesakes.join(', ')}`,
    );
  return new NotFoundError(
    `there is no identity "${given}" on this node (it has ${has}); make one with: lb identity new ${given}; members of other nodes go by their key or its first ${PREFIX_DIGITS_MIN} digits`,
  );
}

/**
 * A member's name for people: the identity here, else the name they chose with the key, else the key.
 * @param id how a key is shown
 */
export function namer(node: BatteryNode, view: GroupView, id = shortId): (key: Hex32) => string {
  const own = new Map(node.identities().map(({ name, publicKey }) => [publicKey, name]));
  return (key) => {
    const identity = own.get(key);
    if (identity !== undefined) return identity;
    const profile = view.nameOf(key);
    return profile === undefined ? id(key) : `${cleanLine(profile)} (${id(key)})`;
  };
}

export function claimId(view: GroupView, given: string): Hex32 {
  return resolveId('claim', given, view.claimIds(given.toLowerCase().slice(0, 64)));
}

/** A claim or the record of an agent run. */
export function referenceId(view: GroupView, given: string): Hex32 {
  const prefix = given.toLowerCase().slice(0, 64);
  return resolveId('claim or experience', given, [...view.claimIds(prefix), ...view.experienceIds(prefix)]);
}

export function offerOf(view: GroupView, given: string): Offer {
  const offers = view.offers();
  const id = resolveId(
    'offer',
    given,
    offers.map(({ offer }) => offer),
  );
  return offers.find(({ offer }) => offer === id)!;
}

export function purchaseOf(view: GroupView, given: string): Purchase {
  const purchases = view.purchases();
  const id = resolveId(
    'purchase',
    given,
    purchases.map(({ purchase }) => purchase),
  );
  return purchases.find(({ purchase }) => purchase === id)!;
}

export function inviteId(view: GroupView, given: string): Hex32 {
  return resolveId(
    'invite',
    given,
    view.invites().map(({ invite }) => invite),
  );
}

/** A task by its id, which is any text, or by a beginning of it that no other task shares. */
export function taskOf(view: GroupView, given: string): Task {
  const exact = view.task(given);
  if (exact !== undefined) return exact;
  const found =
    given.length < PREFIX_DIGITS_MIN ? [] : view.taskIds().filter((task) => task.startsWith(given));
  if (found.length > 1) throw new AmbiguousIdError('task', given, found);
  const [task] = found;
  if (task === undefined) throw new NotFoundError(`there is no task ${given}`);
  return view.task(task)!;
}
