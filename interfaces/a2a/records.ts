/**
 * What A2A needs to remember beside the log: the messages that a task came from, and whom to tell of the task. The
 * task itself, its states and its result are in the log alone.
 *
 *     t GROUP TASK            the message
 *     f GROUP TASK / MESSAGE  a message that followed it, by the hash of its id
 *     p GROUP TASK / CONFIG   a target of push notifications, and which state of the task it was told last
 *
 * What proves to a target who tells it is sealed to the node's own key, as the secrets of the wallet are to theirs.
 */
import { type Message, Message as MessageCodec } from '@a2a-js/sdk';
import { sha256 } from '../../crypto/hash.ts';
import type { Signer } from '../../crypto/identity.ts';
import { openNote, sealNote } from '../../crypto/sealed-note.ts';
import { type Hex32, toHex, utf8 } from '../../events/bytes.ts';
import type { OpaqueMap } from '../../storage/opaque-map.ts';

/** A task that came over A2A. */
export interface Handed {
  /** The key of who handed it over. */
  readonly owner: Hex32;
  readonly contextId: string;
  readonly message: Message;
  /** The messages that followed it. */
  readonly later: readonly Message[];
}

/** Whom to tell of a task. */
export interface Target {
  readonly group: Hex32;
  readonly task: string;
  readonly config: string;
  readonly url: string;
  /** What it is told with, sealed, in base64; nothing where there is none. */
  readonly sealed?: string;
  /** The state that it was told last, or that it was given up to be told. */
  readonly told: string;
}

/** What proves to a target who tells it. */
export interface TargetSecrets {
  readonly token: string;
  readonly authentication?: { readonly scheme: string; readonly credentials: string } | undefined;
}

/** A message for a task that was there already. */
export interface FollowUp {
  readonly message: Message;
  /** When it came, and the claim that it replies to: its own claim follows from them. */
  readonly createdMs: number;
  readonly parent?: Hex32;
}

const GROUP_DIGITS = 64;

function keyOf(kind: 't' | 'f' | 'p', group: Hex32, rest: string): Uint8Array {
  return utf8(kind + group + rest);
}

export class A2aRecords {
  private readonly map: OpaqueMap;
  private readonly signer: () => Signer;

  /** @param signer the node's own, where the keys are not locked */
  constructor(map: OpaqueMap, signer: () => Signer) {
    this.map = map;
    this.signer = signer;
  }

  handed(group: Hex32, task: string): Handed | undefined {
    const first = this.handedAtFirst(group, task);
    return first && { ...first, later: this.followUps(group, task).map(({ message }) => message) };
  }

  /** Without what followed, which may be megabytes. */
  handedAtFirst(group: Hex32, task: string): Handed | undefined {
    const kept = this.map.get(keyOf('t', group, task));
    return kept && { ...handedIn(kept), later: [] };
  }

  /** Tasks of a group that came over A2A. */
  *allHanded(group: Hex32): Generator<readonly [task: string, handed: Omit<Handed, 'later'>]> {
    for (const [key, value] of this.map.list(keyOf('t', group, '')))
      yield [textOf(key).slice(1 + GROUP_DIGITS), handedIn(value)];
  }

  /** Resolves when it is on disk. */
  hand(group: Hex32, task: string, { owner, contextId, message }: Omit<Handed, 'later'>): Promise<void> {
    const value = { owner, contextId, message: MessageCodec.toJSON(message) };
    return this.map.put(keyOf('t', group, task), utf8(JSON.stringify(value)));
  }

  /** What followed the message of a task, in the order in which it came. */
  followUps(group: Hex32, task: string): FollowUp[] {
    const found = Array.from(this.map.list(keyOf('f', group, `${task}/`)), ([, value]) => followUpIn(value));
    return found.sort((one, other) => one.createdMs - other.createdMs);
  }

  followUp(group: Hex32, task: string, messageId: string): FollowUp | undefined {
    const kept = this.map.get(followUpKey(group, task, messageId));
    return kept === undefined ? undefined : followUpIn(kept);
  }

  /** Resolves when it is on disk. */
  addFollowUp(group: Hex32, task: string, { message, ...more }: FollowUp): Promise<void> {
    const value = { ...more, message: MessageCodec.toJSON(message) };
    return this.map.put(followUpKey(group, task, message.messageId), utf8(JSON.stringify(value)));
  }

  /** Targets of a task, or of all tasks. */
  targets(of?: { readonly group: Hex32; readonly task: string }): Target[] {
    const prefix = of === undefined ? utf8('p') : keyOf('p', of.group, `${of.task}/`);
    return Array.from(this.map.list(prefix), ([, value]) => JSON.parse(textOf(value)) as Target);
  }

  target(group: Hex32, task: string, config: string): Target | undefined {
    const kept = this.map.get(keyOf('p', group, `${task}/${config}`));
    return kept === undefined ? undefined : (JSON.parse(textOf(kept)) as Target);
  }

  putTarget(target: Target): Promise<void> {
    const { group, task, config } = target;
    return this.map.put(keyOf('p', group, `${task}/${config}`), utf8(JSON.stringify(this.sealedOld(target))));
  }

  /** A record from before secrets were sealed has them beside the rest; it is sealed when it is next written. */
  private sealedOld(target: Target & Partial<TargetSecrets>): Target {
    const { token = '', authentication, ...rest } = target;
    return rest.sealed === undefined ? this.sealedTarget(rest, { token, authentication }) : rest;
  }

  /** A target with its secrets. @throws KeystoreError while the keys are locked */
  sealedTarget(target: Omit<Target, 'sealed'>, secrets: TargetSecrets): Target {
    if (secrets.token === '' && secrets.authentication === undefined) return target;
    const note = sealNote(this.signer(), subjectOf(target), utf8(JSON.stringify(secrets)));
    return { ...target, sealed: Buffer.from(note).toString('base64') };
  }

  /** The secrets of a target; nothing where they do not open. @throws KeystoreError while the keys are locked */
  secretsOf(target: Target & Partial<TargetSecrets>): TargetSecrets | undefined {
    const { token = '', authentication } = target;
    if (target.sealed === undefined) return { token, authentication };
    const note = new Uint8Array(Buffer.from(target.sealed, 'base64'));
    const opened = openNote(this.signer(), subjectOf(target), note);
    return opened === undefined ? undefined : (JSON.parse(textOf(opened)) as TargetSecrets);
  }

  deleteTarget({ group, task, config }: Target): Promise<void> {
    return this.map.delete(keyOf('p', group, `${task}/${config}`));
  }
}

/** An address goes with its secrets: they are not told to another. */
function subjectOf({ group, task, config, url }: Omit<Target, 'sealed'>): string {
  return `a2a push ${JSON.stringify([group, task, config, url])}`;
}

function followUpKey(group: Hex32, task: string, messageId: string): Uint8Array {
  return keyOf('f', group, `${task}/${toHex(sha256(utf8(messageId)))}`);
}

function followUpIn(bytes: Uint8Array): FollowUp {
  const { message, ...more } = JSON.parse(textOf(bytes)) as FollowUp;
  return { ...more, message: MessageCodec.fromJSON(message) };
}

function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

function handedIn(bytes: Uint8Array): Omit<Handed, 'later'> {
  const { owner, contextId, message } = JSON.parse(textOf(bytes)) as Record<string, string>;
  return { owner: owner!, contextId: contextId!, message: MessageCodec.fromJSON(message) };
}
