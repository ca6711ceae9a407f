/** From what the user typed to the thing they mean: short ids, names of identities, ids of tasks. */
import type { Command } from 'commander';
import { AmbiguousIdError, NotFoundError, UsageError } from '../../actors/errors.ts';
import type { GroupView, Offer, Purchase, Task } from '../../actors/group-view.ts';
import { PREFIX_DIGITS_MIN, resolveId, resolveKey } from '../../actors/ids.ts';
import { identityNamed } from '../../actors/node/identities.ts';
import type { Hex32 } from '../../events/bytes.ts';
import { lookOf, namedSo, normalForm } from '../../events/normal-form.ts';
import type { BatteryNode } from '../../node.ts';
import { cleanLine, shortId } from './text.ts';

/** Adds a thing that may be named by a flag, as the reference does, or by an argument, as people do. */
export function subjectOption(
  command: Command,
  what: string,
  description: string,
  placeholder = what,
): Command {
  return command
    .argument(`[${what}]`, description)
    .option(`--${what} <${placeholder}>`, `the same as a flag`);
}

/**
 * What was said of several such things, by flags or by arguments: arguments fill, in order, what no flag says, so that
 * `--task t1 done` leaves no doubt either.
 */
export function givenOf<Name extends string>(
  { options, args }: { readonly options: object; readonly args: readonly string[] },
  names: readonly Name[],
): Partial<Record<Name, string>> {
  const flags = names.map((name): string | undefined => Reflect.get(options, name));
  const open = [...names.keys()].filter((at) => flags[at] === undefined);
  const isRepeated = flags.some((flag, at) => flag !== undefined && flag === args[at]);
  const places = args.length > open.length || isRepeated ? [...names.keys()] : open;
  const given: Partial<Record<Name, string>> = {};
  for (const [at, name] of names.entries()) {
    const place = places.indexOf(at);
    const argument = place < 0 ? undefined : args[place];
    const value = flags[at] ?? argument;
    if (value !== undefined) given[name] = subjectOf(name, flags[at], argument);
  }
  return given;
}

/** The file that something is to be written to: the flag `--out`, or an argument. */
export function outOf(out: string | undefined): string {
  if (out === undefined) throw new UsageError('which file? give it as an argument or with --out');
  return out;
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
  return resolveId('claim', given, view.claimIds(given.trim().toLowerCase().slice(0, 64)));
}

/** Whether somebody who typed this meant an id, and not a text. */
export function isIdLike(given: string): boolean {
  return /^[0-9a-f]+$/i.test(given) && given.length >= PREFIX_DIGITS_MIN && given.length <= 64;
}

/** A claim or the record of an agent run. */
export function referenceId(view: GroupView, given: string): Hex32 {
  const prefix = given.trim().toLowerCase().slice(0, 64);
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

/**
 * A task by its id, which is any text, or by a beginning of it that no other task shares. Form and case of the letters
 * do not count, unless only they tell two tasks apart.
 * @throws NotFoundError, AmbiguousIdError
 */
export function taskOf(view: GroupView, given: string): Task {
  const found = tasksNamed(view, given);
  if (found.length > 1) throw new AmbiguousIdError('task', given, told(found));
  if (found.length === 0) throw new NotFoundError(`there is no task ${given}`);
  return view.task(found[0]!)!;
}

/** Ids of the tasks that may be meant. */
export function tasksNamed(view: GroupView, given: string): string[] {
  // Printable ASCII has one form, so that an id of it is what it is.
  if (view.task(given) !== undefined && /^[ -~]+$/.test(given)) return [given];
  const ids = view.taskIds();
  const named = namedSo(given, ids, (id) => id);
  const form = normalForm(given);
  if (named.length > 0 || form.length < PREFIX_DIGITS_MIN) return named;
  return ids.filter((id) => normalForm(id).startsWith(form));
}

/** Ids that may look alike, as they are told apart: by what stands in them, where looks do not tell. */
function told(ids: readonly string[]): string[] {
  return ids.map((id) => {
    const isAlone = ids.filter((other) => lookOf(other) === lookOf(id)).length === 1;
    return isAlone ? cleanLine(id) : inEscapes(id);
  });
}

/** A text with all that is not printable ASCII as escapes of JSON. */
function inEscapes(text: string): string {
  return JSON.stringify(text).replace(
    /[^ -~]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** The forms in which people write one id: in small letters, capitals, both; composed and decomposed. */
function likeForms(id: string): string[] {
  const lower = id.toLowerCase();
  const cased = [
    id,
    lower,
    id.toUpperCase(),
    lower.slice(0, 1).toUpperCase() + lower.slice(1),
    normalForm(id),
  ];
  return cased.flatMap((one) => [one, one.normalize('NFC'), one.normalize('NFD'), lookOf(one)]);
}

/**
 * Nobody should make a task that looks like another one: the rules take it, since what Unicode folds is no rule, and
 * whoever means one of the two would have to be asked which. Only the usual forms are looked for, since looking
 * through all tasks would cost more than making one.
 * @throws UsageError
 */
export function assertNewTask(view: GroupView, id: string): void {
  if (view.task(id) !== undefined) return;
  const like = likeForms(id).find((one) => view.task(one) !== undefined);
  if (like !== undefined)
    throw new UsageError(
      `there is a task "${cleanLine(like)}", which differs from "${cleanLine(id)}" only by the form or case of letters; choose another id`,
    );
}
