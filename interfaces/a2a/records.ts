/**
 * What A2A needs to remember beside the log: the message that a task came from, and whom to tell of the task. The
 * task itself, its states and its result are in the log alone.
 *
 *     t GROUP TASK            the message
 *     p GROUP TASK / CONFIG   a target of push notifications, and which state of the task it was told last
 */
import { type Message, Message as MessageCodec } from '@a2a-js/sdk';
import { type Hex32, utf8 } from '../../events/bytes.ts';
import type { OpaqueMap } from '../../storage/opaque-map.ts';

/** A task that came over A2A. */
export interface Handed {
  /** The key of who handed it over. */
  readonly owner: Hex32;
  readonly contextId: string;
  readonly message: Message;
}

/** Whom to tell of a task. */
export interface Target {
  readonly group: Hex32;
  readonly task: string;
  readonly config: string;
  readonly url: string;
  readonly token: string;
  readonly authentication?: { readonly scheme: string; readonly credentials: string };
  /** The state that it was told last, or that it was given up to be told. */
  readonly told: string;
}

const GROUP_DIGITS = 64;

function keyOf(kind: 't' | 'p', group: Hex32, rest: string): Uint8Array {
  return utf8(kind + group + rest);
}

export class A2aRecords {
  private readonly map: OpaqueMap;

  constructor(map: OpaqueMap) {
    this.map = map;
  }

  handed(group: Hex32, task: string): Handed | undefined {
    const kept = this.map.get(keyOf('t', group, task));
    return kept === undefined ? undefined : handedIn(kept);
  }

  /** Tasks of a group that came over A2A. */
  *allHanded(group: Hex32): Generator<readonly [task: string, handed: Handed]> {
    for (const [key, value] of this.map.list(keyOf('t', group, '')))
      yield [textOf(key).slice(1 + GROUP_DIGITS), handedIn(value)];
  }

  /** Resolves when it is on disk. */
  hand(group: Hex32, task: string, { owner, contextId, message }: Handed): Promise<void> {
    const value = { owner, contextId, message: MessageCodec.toJSON(message) };
    return this.map.put(keyOf('t', group, task), utf8(JSON.stringify(value)));
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
    return this.map.put(keyOf('p', group, `${task}/${config}`), utf8(JSON.stringify(target)));
  }

  deleteTarget({ group, task, config }: Target): Promise<void> {
    return this.map.delete(keyOf('p', group, `${task}/${config}`));
  }
}

function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

function handedIn(bytes: Uint8Array): Handed {
  const { owner, contextId, message } = JSON.parse(textOf(bytes)) as Record<string, string>;
  return { owner: owner!, contextId: contextId!, message: MessageCodec.fromJSON(message) };
}
