/** `init` and `info`: the node itself. */
import type { Command } from 'commander';
import type { Group } from '../../../actors/group.ts';
import type { PartFailure } from '../../../actors/node/supervisor.ts';
import { isSilent } from '../../../actors/sealers-heard.ts';
import { isOpen } from '../../../machines/task.machine.ts';
import type { BatteryNode } from '../../../node.ts';
import { layoutOf } from '../../../storage/directory.ts';
import { type PeekedViews, peekViews } from '../../../views/peek.ts';
import { loadConfig } from '../../config/load.ts';
import { type CliContext, type Run, verb } from '../context.ts';
import { givenPassword, newPassword } from '../password.ts';
import { describeSync, type SyncState, syncStateOf } from '../sync-state.ts';
import { type Column, printFields, printSentence, printTable, printText } from '../table.ts';
import { count, formatSpan, formatTime, shellWord, shortId } from '../text.ts';

interface InitOptions {
  readonly encryptKeys?: boolean;
  readonly name?: string;
}

export function registerNode(program: Command, context: CliContext): void {
  verb<InitOptions>(
    program,
    context,
    {
      usage: 'init',
      summary: 'Make a node: a data directory with an identity of its own.',
      heading: 'Start here',
      runsHere: true,
      example: 'lb init --data ./mynode --name ada --encrypt-keys',
      details:
        'A directory that holds a node already stays as it is. With --encrypt-keys the password is asked for twice, or taken from LB_PASSWORD or --password-file.',
    },
    (command) =>
      command
        .option('--name <name>', 'what the node itself is called in groups (default: node)')
        .option('--encrypt-keys', 'protect the keys with a password (recommended)'),
    init,
  );
  verb(
    program,
    context,
    {
      usage: 'info',
      summary: 'Show the node: identities, public keys, groups.',
      heading: 'Start here',
      example: 'lb info --data ./mynode',
    },
    (command) => command,
    info,
  );
}

async function init(run: Run<InitOptions>): Promise<void> {
  const { BatteryNode } = await import('../../../node.ts');
  // A mistyped LB_DATA would have it made in another place than was meant.
  loadConfig({ data: run.path(run.data), env: run.env });
  // Before a password is asked for. Whoever comes between is still refused by `init` itself.
  BatteryNode.assertInitable(run.path(run.data));
  const given = await givenPassword(run.terminal, run.options.passwordFile, run.env);
  const isEncrypted = run.options.encryptKeys === true;
  const password = isEncrypted ? await newPassword(run, given) : undefined;
  const { name } = run.options;
  const options = { data: run.path(run.data), ...(name === undefined ? {} : { name }) };
  const { identity } = await BatteryNode.init(password === undefined ? options : { ...options, password });
  const data = options.data;
  run.print({ data, identity, keysEncrypted: isEncrypted }, () => {
    printSentence(run.out, `Made a node in ${data}`);
    printFields(
      run.out,
      [
        ['identity', identity.name],
        ['public key', identity.publicKey],
        ['keys', isEncrypted ? 'encrypted with the password' : 'not encrypted'],
      ],
      '  ',
    );
  });
  if (!isEncrypted && given !== undefined)
    run.hint('note: a password was given, but the keys are only encrypted with --encrypt-keys');
  run.hint(`next:\n  lb create-group --data ${shellWord(run.data)} --name NAME`);
}

/** The groups that take nothing now, and why. */
export function haltedGroups(groups: readonly Group[]) {
  return groups.map((group) => group.standing()).filter(({ status }) => status === 'halted');
}

/** What of a group can be shown; nothing where what is stored of it cannot be read. */
export function summarizeReadable(node: BatteryNode, groups: readonly Group[]): GroupSummary[] {
  return groups.flatMap((group) => {
    // Looked at before, so that a group whose store is damaged is halted and named with its reason.
    const isHalted = group.standing().status === 'halted';
    try {
      return [summarize(node, group)];
    } catch (error) {
      if (isHalted) return [];
      throw error;
    }
  });
}

/** One line for each halted group: what, why, what next. */
export function printHalted(run: Run, halted: ReturnType<typeof haltedGroups>): void {
  for (const { groupId, name, haltReason, retryAtMs } of halted) {
    const next =
      retryAtMs === undefined
        ? 'not tried again by itself; look with: lb audit'
        : `tried again at ${formatTime(retryAtMs)}`;
    run.out.line(run.out.style('red', `halted: ${name} (${shortId(groupId)}): ${haltReason}; ${next}`));
  }
}

/** What beside the chains is down: the rest of a group goes on without it. */
export function failedParts(node: BatteryNode): PartFailure[] {
  return node.failures().filter(({ part, isDown }) => part !== 'chain' && isDown);
}

const PART_NAMES = { chain: 'chain', tasks: 'task deadlines', presence: 'presence' } as const;

function printFailedParts(run: Run, parts: readonly PartFailure[]): void {
  for (const { part, groupId, reason, retryAtMs } of parts) {
    const next = retryAtMs === undefined ? 'not tried again' : `tried again at ${formatTime(retryAtMs)}`;
    run.out.line(
      run.out.style('red', `${PART_NAMES[part]} stopped (${shortId(groupId)}): ${reason}; ${next}`),
    );
  }
}

/** A group in short, as `info` and `list-groups` show it, or as it was in a view of the past. */
export function summarize(node: BatteryNode, group: Group, view = group.now) {
  const { groupId, name, currency, status, haltReason, retryAtMs, head, sealerHeardMs } = group.info();
  const own = node.identities().map(({ publicKey }) => publicKey);
  const roles = own.flatMap((key) => {
    const role = view.roleOf(key);
    return role === undefined ? [] : [{ identity: key, role }];
  });
  const isSealedHere = view.sealers().some((sealer) => own.includes(sealer));
  let claims = 0;
  for (const _ of view.claimIds()) claims++;
  const tasks = view.tasks();
  return {
    groupId,
    name,
    currency,
    // Verbs that only read open the node without its password, and so without the sealer's key.
    status: status === 'following' && isSealedHere ? 'sealing' : status,
    haltReason,
    retryAtMs,
    height: view.height,
    blockId: view.height === head.height ? head.blockId : group.block(view.height).blockId,
    tsMs: view.tsMs,
    sealers: view.sealers(),
    isSealedHere,
    sealerHeardMs: isSealedHere ? undefined : sealerHeardMs,
    roles,
    removal:
      roles.length > 0 ? undefined : own.map((key) => group.removalOf(key)).find((one) => one !== undefined),
    counts: {
      members: view.members().length,
      claims,
      tasks: tasks.length,
      openTasks: tasks.filter(isOpen).length,
      offers: view.offers().length,
    },
  };
}

export type GroupSummary = ReturnType<typeof summarize>;

/** Who seals, as far as it matters at a glance: this node, or when somebody else was last heard. */
function sealerColumn({ isSealedHere, sealerHeardMs, removal }: GroupSummary): string {
  if (isSealedHere) return 'here';
  if (removal !== undefined) return 'removed';
  if (sealerHeardMs === undefined) return 'never heard';
  const nowMs = Date.now();
  const span = formatSpan(Math.max(0, nowMs - sealerHeardMs));
  return isSilent(false, sealerHeardMs, nowMs) ? `silent ${span}` : `${span} ago`;
}

export const GROUP_COLUMNS: readonly Column<GroupSummary>[] = [
  { header: 'group', value: ({ groupId }) => shortId(groupId), plain: ({ groupId }) => groupId },
  { header: 'name', value: ({ name }) => name, isFlexible: true },
  { header: 'status', value: ({ status }) => status },
  { header: 'sealer', value: sealerColumn },
  { header: 'height', value: ({ height }) => String(height), align: 'right' },
  { header: 'members', value: ({ counts }) => String(counts.members), align: 'right' },
  { header: 'claims', value: ({ counts }) => String(counts.claims), align: 'right' },
  {
    header: 'open tasks',
    value: ({ counts }) => `${counts.openTasks}/${counts.tasks}`,
    align: 'right',
  },
];

type InfoGroup = GroupSummary & { readonly views?: PeekedViews };

/** How far the search is: words at once, meaning after. */
function infoColumns(hasModel: boolean): readonly Column<InfoGroup>[] {
  const indexed = ({ height, views }: InfoGroup): string => {
    if (views === undefined) return 'with the first question';
    const words = views.height < height ? `to height ${views.height}` : 'up to date';
    if (!hasModel) return `${words}, by words alone`;
    return views.embedded < views.withText
      ? `${words}, meaning ${views.embedded} of ${count(views.withText, 'claim')}`
      : words;
  };
  return [...GROUP_COLUMNS, { header: 'search', value: indexed, isFlexible: true }];
}
type FollowedGroup = SyncState & Pick<GroupSummary, 'groupId' | 'name' | 'height'>;

/** How the groups stand that others seal. */
async function followedGroups(node: BatteryNode, groups: readonly GroupSummary[]): Promise<FollowedGroup[]> {
  const foreign = groups.filter(({ isSealedHere }) => !isSealedHere);
  return Promise.all(
    foreign.map(async ({ groupId, name, height }) => ({
      groupId,
      name,
      height,
      ...(await syncStateOf(node, groupId, height)),
    })),
  );
}

function printFollowed(run: Run, followed: readonly FollowedGroup[]): void {
  for (const state of followed) {
    const what = describeSync(state);
    if (what !== undefined)
      printText(run.out, `${state.name} (${run.id(state.groupId)}): ${what}`, '', 'dim');
  }
}

async function info(run: Run): Promise<void> {
  const node = await run.node();
  const identities = node.identities();
  const held = node.groups();
  const viewsDir = layoutOf(run.path(run.data)).views;
  const groups = summarizeReadable(node, held).map((group): InfoGroup => {
    const views = peekViews(viewsDir, group.groupId);
    return { ...group, ...(views && { views }) };
  });
  const halted = haltedGroups(held);
  const data = run.path(run.data);
  const keysEncrypted = node.hasPassword;
  const { keyFileWarning } = node;
  const followed = await followedGroups(node, groups);
  const failed = failedParts(node);
  const { sealingDoubt } = node;
  const clock = sealingDoubt && { code: sealingDoubt.code, message: sealingDoubt.message };
  const told = { data, keysEncrypted, keyFileWarning, identities, groups, followed, halted, failed };
  run.print({ ...told, ...(clock && { clock }) }, () => {
    printFields(run.out, [
      ['data', data],
      ['keys', keysEncrypted ? 'encrypted' : 'not encrypted'],
      ...(clock === undefined ? [] : [['clock', clock.message] as const]),
    ]);
    if (clock !== undefined) run.hint('set the clock right, or if it is right now: lb trust-clock');
    run.out.line();
    for (const { name, publicKey, isNode, createdMs } of identities) {
      run.out.line(`${run.out.style('bold', name)}${isNode ? " (the node's own)" : ''}`);
      printFields(
        run.out,
        [
          ['public key', publicKey],
          ['created', formatTime(createdMs)],
        ],
        '  ',
      );
    }
    run.out.line();
    printTable(
      run.out,
      infoColumns(node.embedder.kind !== 'none'),
      groups,
      'no groups yet; make one with: lb create-group --name NAME, or join one with: lb join CODE',
    );
    printFollowed(run, followed);
    printHalted(run, halted);
    printFailedParts(run, failed);
  });
  const own = identities.find(({ isNode }) => isNode)!;
  run.hint(
    `\nto be added to a group elsewhere, send its admin this line:\n  lb add-member --group GROUP --pub ${own.publicKey} --role member`,
  );
}
