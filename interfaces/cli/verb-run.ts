/** One run of a verb: its flags, the node and the group it is about, and where it prints. */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { Agent } from '../../actors/agent.ts';
import { NotFoundError, RefusedError, UsageError } from '../../actors/errors.ts';
import type { Group } from '../../actors/group.ts';
import type { GroupView } from '../../actors/group-view.ts';
import type { Hex32 } from '../../events/bytes.ts';
import type { BatteryNode } from '../../node.ts';
import { loadConfig, nodeOptions } from '../config/load.ts';
import type { CliContext, Forward, VerbSpec } from './context.ts';
import { dataDirectory } from './contexts.ts';
import { ExplainedRefusal } from './errors.ts';
import { wrapHint } from './help-layout.ts';
import { envelope } from './json.ts';
import type { Output } from './output.ts';
import { parseHeight } from './parse.ts';
import { askHidden, givenPassword } from './password.ts';
import type { ReadingCopy } from './read-only.ts';
import { explain } from './refusals/explain.ts';
import { plainSay, type Say } from './refusals/say.ts';
import { namer } from './resolve.ts';
import type { Terminal } from './terminal.ts';
import { formatSpan, shortId } from './text.ts';

/** The keys are encrypted, and the node that is up was started without their password. */
export class LockedNodeError extends Error {
  override readonly name = 'LockedNodeError';
  readonly code = 'node_locked';

  constructor() {
    super('the node is up without the password of its keys; stop it, and start it again with the password');
  }
}

/** How long a verb waits for another process that owns the directory: verbs are short. */
const OWNER_WAIT_MS = 5_000;
/** How long after its answer a verb works on, where vectors of claims are not made yet. */
const VECTORS_MS = 1_000;
/** Groups that are named where one has to be chosen. */
const GROUPS_NAMED = 8;
interface CommonOptions {
  readonly data?: string;
  readonly context?: string;
  readonly json?: boolean;
  readonly group?: string;
  readonly as?: string;
  readonly at?: string;
  readonly passwordFile?: string;
  readonly yes?: boolean;
}

/** Flags of the verb and of everything above it; where both have one, the one nearer to the verb counts. */
function mergedOptions(command: Command): Record<string, unknown> {
  const above = command.parent === null ? {} : mergedOptions(command.parent);
  return { ...above, ...command.opts() };
}

/** A group's name, also where the group is damaged: it is to be told apart from the others, not used. */
function groupName(node: BatteryNode, id: Hex32): string {
  try {
    return node.group(id).info().name;
  } catch (error) {
    if ((error as { code?: string }).code === 'corrupt') return 'damaged';
    throw error;
  }
}

/** The node's own identity. */
export function ownIdentity(node: BatteryNode): ReturnType<BatteryNode['identities']>[number] {
  return node.identities().find(({ isNode }) => isNode)!;
}

/** What the node's own identity is called. */
export function ownName(node: BatteryNode): string {
  return ownIdentity(node).name;
}

/** One run of a verb. */
export class Run<O extends object = object> {
  readonly options: Readonly<O & CommonOptions>;
  /** The arguments without a flag, in order. */
  readonly args: readonly string[];
  readonly out: Output;
  readonly env: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
  readonly terminal: Terminal;
  /** Whether machines read the output. */
  readonly json: boolean;
  private readonly spec: VerbSpec;
  private directory: string | undefined;
  private opened: BatteryNode | undefined;
  /** What is read in place of a directory that cannot be written. */
  private copy: ReadingCopy | undefined;
  private chosen: Group | undefined;
  private readonly warnings: string[] = [];
  private cleanups: (() => Promise<void> | void)[] = [];
  private closing: Promise<void> | undefined;
  private readonly context: CliContext;

  constructor(command: Command, context: CliContext, spec: VerbSpec) {
    this.options = mergedOptions(command) as O & CommonOptions;
    this.args = command.processedArgs.flat().filter((one): one is string => typeof one === 'string');
    this.out = context.out;
    this.env = context.env;
    this.signal = context.signal;
    this.terminal = context.terminal;
    this.json = this.options.json === true;
    this.spec = spec;
    this.context = context;
    context.runs.add(this);
  }

  /** A path as the caller means it: relative to the caller's working directory. */
  path(given: string): string {
    return resolve(this.terminal.cwd, given);
  }

  // The node and what is in it.

  /** The data directory, as it was named. */
  get data(): string {
    this.directory ??= dataDirectory(this.options, this.env);
    return this.directory;
  }

  /** Whether the node is up in this very process. */
  get isUpHere(): boolean {
    return this.context.upNode !== undefined;
  }

  /** The node of the data directory, opened; with its password where the verb signs. */
  async node(): Promise<BatteryNode> {
    this.opened ??= await this.open();
    return this.opened;
  }

  /** A look at the node, opened for it alone and closed again. */
  async peek<T>(look: (node: BatteryNode) => T): Promise<T> {
    const { upNode } = this.context;
    const node = upNode ?? (await this.openWith(undefined, OWNER_WAIT_MS, await this.placeToRead()));
    try {
      return look(node);
    } finally {
      if (node !== upNode) await node.close();
    }
  }

  /**
   * The node of the data directory, opened once more; whoever asks for it closes it.
   * @param waitMs how long to wait for another owner to go
   * @throws DirectoryOwnedError
   */
  openAnew(waitMs: number): Promise<BatteryNode> {
    return this.open(waitMs);
  }

  /** Runs a command line where the node is up: this one at another terminal, or another one at this terminal. */
  async forward(other: Parameters<Forward>[1]): Promise<number | undefined> {
    return this.context.forward?.(this.path(this.data), other);
  }

  /** Has this process give the directory up to a node, if it is one that would. */
  get yieldUp(): (() => void) | undefined {
    return this.context.yieldUp;
  }

  private async open(waitMs = OWNER_WAIT_MS): Promise<BatteryNode> {
    const { signs = false } = this.spec;
    const willSign = typeof signs === 'function' ? await signs({ ...this.options }, this.args) : signs;
    const { upNode } = this.context;
    if (upNode !== undefined) {
      if (willSign && upNode.isLocked) throw new LockedNodeError();
      return upNode;
    }
    if (!willSign) return this.openWith(undefined, waitMs, await this.placeToRead());
    const password = await givenPassword(this.terminal, this.options.passwordFile, this.env);
    const node = await this.openWith(password, waitMs);
    if (!node.isLocked || !this.terminal.isInteractive) return node;
    // Asking takes as long as a person takes; nobody else should wait for the directory meanwhile.
    await node.close();
    return this.openWith(await askHidden(this, 'Password: '), waitMs);
  }

  private async openWith(
    password: string | undefined,
    waitMs = OWNER_WAIT_MS,
    data = this.path(this.data),
  ): Promise<BatteryNode> {
    const config = loadConfig({ data: this.path(this.data), env: this.env });
    const options = { data, waitMs, ...nodeOptions(config, this.env) };
    // Loaded late: help, a mistyped verb and the shell's completion need no database.
    const { BatteryNode } = await import('../../node.ts');
    const node = await BatteryNode.open(password === undefined ? options : { ...options, password });
    const warning = node.keyFileWarning;
    if (warning !== undefined && !this.warnings.includes(warning)) this.warn(warning);
    return node;
  }

  /** The data directory, or a copy of it where its file system is read-only. */
  private async placeToRead(): Promise<string> {
    const data = this.path(this.data);
    const { copyToRead, isReadOnly } = await import('./read-only.ts');
    if (!isReadOnly(data)) return data;
    this.copy ??= copyToRead(data);
    return this.copy.data;
  }

  /** The group of `--group`, or the only one. */
  async group(): Promise<Group> {
    this.chosen ??= await this.chooseGroup();
    return this.chosen;
  }

  private async chooseGroup(): Promise<Group> {
    const node = await this.node();
    const { group } = this.options;
    if (group !== undefined) return node.group(group);
    const ids = node.groupIds();
    if (ids.length === 1) return node.group(ids[0]!);
    if (ids.length === 0)
      throw new NotFoundError('this node has no group yet; make one with: lb create-group --name NAME');
    const named = ids.slice(0, GROUPS_NAMED).map((id) => `${groupName(node, id)} (${shortId(id)})`);
    const more = ids.length > GROUPS_NAMED ? ', …; lb list-groups lists all' : '';
    throw new UsageError(
      `this node has ${ids.length} groups; say which with --group: ${named.join(', ')}${more}`,
    );
  }

  /** The group's state now, or at the height of `--at`. */
  async view(): Promise<GroupView> {
    const group = await this.group();
    const { at } = this.options;
    return at === undefined ? group.now : group.at(parseHeight(at));
  }

  /** The time that deadlines of a view are held against: now, or the time of the height that is looked at. */
  timeOf(view: GroupView): number {
    return this.options.at === undefined ? Date.now() : view.tsMs;
  }

  /** The past cannot be changed: `--at` and a change exclude each other. */
  refuseAt(change: string): void {
    if (this.options.at !== undefined)
      throw new UsageError(`--at shows the past; ${change} changes the present`);
  }

  /** The identity that signs, at work in the group. */
  async agent(): Promise<Agent> {
    const node = await this.node();
    const group = await this.group();
    await this.readyToSeal(group);
    return group.as(this.options.as ?? ownName(node));
  }

  /** What is asked before a verb has this node seal. @throws RestoredNodeError */
  async readyToSeal(group?: Group): Promise<void> {
    await this.compareIfRestored();
    await this.settleClock(group);
  }

  /**
   * Before a verb has this node seal by a clock that nothing vouches for: a person is asked, where one is there.
   * `--yes` is the answer given beforehand. Without either the sealing says why it does not.
   * @param group where the next block goes; nothing for a group that is about to be founded
   */
  private async settleClock(group?: Group): Promise<void> {
    const node = await this.node();
    if (this.options.yes === true) return node.trustClock();
    if (group !== undefined && !node.isSealedHere(group.groupId)) return;
    const doubt = node.clockDoubt(group?.head.tsMs);
    if (doubt === undefined || !this.terminal.isInteractive) return;
    const question = `${doubt.message}.\nIs the clock of this machine right? [y/N] `;
    const answer = await this.terminal.ask(question, { isShown: true, signal: this.signal });
    if (/^y(es)?$/i.test(answer.trim())) node.trustClock();
  }

  /**
   * Before a verb has this node seal: one that was restored from a backup asks members what it has forgotten.
   * @throws RestoredNodeError where nobody who could know is there to ask
   */
  private async compareIfRestored(): Promise<void> {
    const node = await this.node();
    if (this.isUpHere || !node.isFreshlyRestored) return;
    const { compareRestored } = await import('./network.ts');
    const config = loadConfig({ data: this.path(this.data), env: this.env });
    await compareRestored(node, config, (line) => this.hint(line));
  }

  /** What an identity of this node is called; other keys by their first digits. The node must be open. */
  nameOf(key: Hex32): string {
    return this.opened?.identities().find(({ publicKey }) => publicKey === key)?.name ?? this.id(key);
  }

  /** A refusal in the words of this node, which must be open; any other error as it is. */
  inWords(error: unknown): unknown {
    if (!(error instanceof RefusedError)) return error;
    const { refusal, removal } = error;
    return new ExplainedRefusal(refusal, explain(refusal, this.say(), removal), removal);
  }

  private say(): Say {
    const plain = plainSay(Date.now());
    const node = this.opened;
    if (node === undefined) return plain;
    const signer = this.spec.signs ? { signer: this.options.as ?? ownName(node) } : {};
    const view = this.chosen?.now;
    if (view === undefined) return { ...plain, ...signer, name: (key) => this.nameOf(key) };
    const tokens = (amount: bigint): string => `${amount} ${view.group().currency}`;
    return { ...plain, ...signer, tokens, name: namer(node, view) };
  }

  // Printing.

  /** An id as results show it: its first digits on a terminal, all of it in a pipe. */
  id(id: Hex32): string {
    return this.out.isTerminal ? shortId(id) : id;
  }

  /** What members are called in results. */
  async namer(view: GroupView): Promise<(key: Hex32) => string> {
    return namer(await this.node(), view, (key) => this.id(key));
  }

  /** The envelope for machines, or what `forPeople` prints. */
  print(data: unknown, forPeople: () => void): void {
    if (this.json) this.out.line(envelope(data, this.warnings));
    else forPeople();
  }

  /** Something that was done all the same, and may not have been meant. To be said before `print`. */
  warn(text: string): void {
    this.warnings.push(text);
    this.hint(`warning: ${text}`);
  }

  /** A hint for people, which machines are not told. */
  hint(text: string): void {
    if (this.json) return;
    this.out.note(this.out.isErrorTerminal ? wrapHint(text, this.out.width) : text);
  }

  /** A line on a terminal that says how far a long verb is; silent elsewhere. Call `end` when it is done. */
  progress(label: string): { update(done: number, total?: number): void; end(): void } {
    const startedMs = performance.now();
    let shownMs = 0;
    const isShown = this.out.isErrorTerminal && !this.json;
    const update = (done: number, total?: number): void => {
      const nowMs = performance.now();
      if (!isShown || nowMs - shownMs < 100) return;
      shownMs = nowMs;
      const part = total ? `${done}/${total} (${Math.floor((100 * done) / total)} %)` : `${done}`;
      this.out.status(`${label} ${part}, ${formatSpan(nowMs - startedMs)}`);
    };
    return { update, end: () => (isShown ? this.out.status('') : undefined) };
  }

  // Ending.

  /** Runs at the end of the verb, whatever its end is: last added, first run. */
  onEnd(cleanup: () => Promise<void> | void): void {
    this.cleanups.push(cleanup);
  }

  close(): Promise<void> {
    this.closing ??= this.end();
    return this.closing;
  }

  /**
   * Vectors are made wherever a node is used, not only where it is up: after its answer a verb gives them a moment. In
   * a pipe only one that has asked the read models does, since others would only wait for the model to load.
   */
  private async makeVectors({ views }: BatteryNode): Promise<void> {
    if (this.copy !== undefined || !(this.out.isTerminal || views.isAwake)) return;
    await views.workOff(VECTORS_MS, this.signal);
  }

  private async end(): Promise<void> {
    try {
      for (const cleanup of this.cleanups.reverse()) await cleanup();
      if (this.opened !== undefined && this.opened !== this.context.upNode) {
        await this.makeVectors(this.opened);
        await this.opened.close();
      }
    } finally {
      this.copy?.remove();
      // Last: whoever ends the process after a signal waits for the runs that are left.
      this.context.runs.delete(this);
    }
  }
}
