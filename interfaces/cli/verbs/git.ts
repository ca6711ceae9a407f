/** `git`: a project's group is shared through its repository, and commits become claims for those who ask for it. */
import type { Command } from 'commander';
import { UsageError } from '../../../actors/errors.ts';
import type { Group } from '../../../actors/group.ts';
import type { PeerHint } from '../../../actors/invites.ts';
import { parseInviteCode } from '../../../actors/invites.ts';
import { PendingError } from '../../../actors/outbox.ts';
import type { SharedGroup } from '../../git/shared-file.ts';
import { type CliContext, family, type Run, verb } from '../context.ts';
import { FileError } from '../errors.ts';
import { checkToBeKept, namedPeers, networkOf, type PeerFlags, peerOption } from '../network.ts';
import { parseWord } from '../parse.ts';
import { printFields, printSentence } from '../table.ts';
import { count, shortId } from '../text.ts';
import { ownIdentity, ownName } from '../verb-run.ts';
import { ownCommand } from '../version.ts';
import { joinElsewhere } from './invites.ts';
import { subscribeTo } from './sync.ts';

const heading = 'Network';
const SYNC_WAIT_MS = 60_000;
const SEALED_WAIT_MS = 10_000;

interface SyncOptions extends PeerFlags {
  readonly commits?: boolean;
  readonly local?: boolean;
}

export function registerGit(program: Command, context: CliContext): void {
  const git = family(program, 'git', "Share a project's group through its repository.", heading);
  verb<PeerFlags>(
    git,
    context,
    {
      usage: 'init',
      summary: 'Name a group in the repository one stands in.',
      heading,
      example: 'lb git init --group research',
      details:
        'Writes .lb/group.json, for you to commit: the id of the group, its name, the key of this node, and the peers of --peer. Anybody who can read the repository can read that; to come in, one still needs a code or an admin.',
      inGroup: true,
    },
    peerOption,
    init,
  );
  verb<PeerFlags>(
    git,
    context,
    {
      usage: 'join',
      summary: 'Join the group that the repository names.',
      heading,
      example: 'lb git join CODE',
      details: 'Without a code, an admin of the group must have added the key of this node.',
      signs: true,
    },
    (command) => peerOption(command.argument('[code]', 'the code, as an admin handed it out')),
    join,
  );
  verb<SyncOptions>(
    git,
    context,
    {
      usage: 'sync',
      summary: "Fetch and send what is new of the repository's group.",
      heading,
      example: 'lb git sync',
      signs: true,
    },
    (command) =>
      peerOption(command)
        .option('--commits', 'publish your own new commits as claims first')
        .option('--local', 'call nobody: what others must seal waits'),
    sync,
  );
  verb(
    git,
    context,
    {
      usage: 'status',
      summary: 'Show which group the repository names, and how it stands here.',
      heading,
      example: 'lb git status',
    },
    (command) => command,
    status,
  );
  verb(
    git,
    context,
    {
      usage: 'hooks',
      summary: 'Publish commits as claims from now on, or no more.',
      heading,
      example: 'lb git hooks on --as bob\nlb git hooks off',
      details:
        "Off unless it is turned on, for this clone alone. Each of your commits then becomes a claim of the group: its message, its author's name, and which files it changes; never their content. A hook never stops a commit.",
      signs: (_, [state]) => state === 'on',
    },
    (command) => command.argument('[state]', 'on or off; without it, says which it is'),
    hooks,
  );
}

/** The repository that the caller stands in, and what goes with it, loaded when it is needed. */
async function repositoryOf(run: Run) {
  const { Repository } = await import('../../git/repository.ts');
  return Repository.at(run.path('.'));
}

async function sharedOf(run: Run): Promise<SharedGroup> {
  const { sharedOf: read } = await import('../../git/shared-file.ts');
  return read((await repositoryOf(run)).root);
}

/** The repository's group, which must be here. */
async function groupHere(run: Run, { group }: SharedGroup): Promise<Group> {
  const node = await run.node();
  if (node.groupIds().includes(group)) return node.group(group);
  throw new UsageError(
    `the group ${shortId(group)} of the repository is not here yet; join it with: lb git join CODE`,
  );
}

async function init(run: Run<PeerFlags>): Promise<void> {
  const { SHARED_FILE, formatShared, mergePeers, readShared, writeShared } = await import(
    '../../git/shared-file.ts'
  );
  const { root } = await repositoryOf(run);
  const group = await run.group();
  const present = readShared(root);
  if (present !== undefined && present.group !== group.groupId)
    throw new FileError(
      'exists',
      `the repository names another group already, ${present.name} (${shortId(present.group)})`,
    );
  const key = ownIdentity(await run.node()).publicKey;
  const named = await namedPeers(run);
  await checkToBeKept(named.flatMap(({ addresses }) => addresses));
  const peers = mergePeers(present?.peers ?? [], [{ key, addresses: [] }], named);
  const shared = { group: group.groupId, name: group.standing().name, peers };
  const isChanged = present === undefined || formatShared(present) !== formatShared(shared);
  if (isChanged) writeShared(root, shared);
  run.print({ file: SHARED_FILE, ...shared, isChanged }, () =>
    printSentence(run.out, `${SHARED_FILE} names ${shared.name}${isChanged ? '; commit it' : ' already'}`),
  );
  if (peers.every(({ addresses }) => addresses.length === 0))
    run.hint('it names no address, so this node is found on the local network only; --peer adds one');
}

async function join(run: Run<PeerFlags>): Promise<void> {
  const shared = await sharedOf(run);
  const node = await run.node();
  const [code] = run.args;
  const name = run.options.as ?? ownName(node);
  const { publicKey } = node.identity(name);
  const invite = code === undefined ? undefined : parseInviteCode(code);
  if (invite !== undefined && invite.groupId !== shared.group)
    throw new UsageError(
      `the code is for another group than the repository names (${shortId(shared.group)})`,
    );
  const peers = await othersOf(run, shared);
  if (!node.groupIds().includes(shared.group))
    return invite === undefined
      ? subscribeTo(run, shared.group, peers)
      : joinElsewhere(run, invite, name, peers);
  const group = node.group(shared.group);
  if (code !== undefined && group.now.roleOf(publicKey) === undefined)
    await group.as(name).acceptInvite(code);
  const role = group.now.roleOf(publicKey);
  run.print({ groupId: group.groupId, member: publicKey, role, height: group.head.height }, () =>
    printSentence(run.out, `${name} is ${role ?? 'no member'} of ${group.standing().name}, which is here`),
  );
}

/** Peers to call: those of the command line, and of the file all but this node. */
async function othersOf(run: Run<PeerFlags>, { peers }: SharedGroup): Promise<PeerHint[]> {
  const node = await run.node();
  const own = ownIdentity(node).publicKey;
  return [...(await namedPeers(run)), ...peers.filter(({ key }) => key !== own)];
}

async function sync(run: Run<SyncOptions>): Promise<void> {
  const shared = await sharedOf(run);
  const group = await groupHere(run, shared);
  const published = run.options.commits ? await publishCommits(run, group) : 0;
  const peers = run.options.local ? [] : await othersOf(run, shared);
  if (peers.length > 0) {
    const network = await networkOf(run);
    const { connectToAny } = await import('../../../protocol/membership.ts');
    await connectToAny(network, peers);
    await network.syncGroup(group.groupId, { waitMs: SYNC_WAIT_MS, sealedMs: SEALED_WAIT_MS });
  }
  const { height } = group.head;
  const pending = (await run.node()).outbox.pending(group.groupId).length;
  run.print({ groupId: group.groupId, height, published, pending }, () =>
    printSentence(
      run.out,
      `${group.standing().name} is here up to height ${height}; ${count(published, 'commit')} published, ${pending} waiting`,
    ),
  );
}

async function publishCommits(run: Run, group: Group): Promise<number> {
  const { publish, unpublished } = await import('../../git/commits.ts');
  const [repository, node] = [await repositoryOf(run), await run.node()];
  await run.readyToSeal(group);
  const agent = group.as(run.options.as ?? ownName(node));
  const commits = await unpublished(repository, agent, group, node.outbox);
  try {
    await publish(agent, commits);
  } catch (error) {
    // It is kept, and sent when the sealer can be reached: by what follows here, perhaps.
    if (!(error instanceof PendingError)) throw error;
  }
  return commits.length;
}

async function status(run: Run): Promise<void> {
  const repository = await repositoryOf(run);
  const { isHookOn } = await import('../../git/hooks.ts');
  const shared = await sharedOf(run);
  const node = await run.node();
  const group = node.groupIds().includes(shared.group) ? node.group(shared.group) : undefined;
  const own = ownIdentity(node).publicKey;
  const role = group?.now.roleOf(own);
  const areCommitsPublished = await isHookOn(repository);
  const { peers, name } = shared;
  const wire = { groupId: shared.group, name, peers, areCommitsPublished };
  run.print({ ...wire, isHere: group !== undefined, height: group?.head.height, role }, () =>
    printFields(run.out, [
      ['group', run.id(shared.group)],
      ['name', name],
      ['here', group === undefined ? 'no; lb git join' : `up to height ${group.head.height}`],
      ['this node', role ?? 'no member'],
      ['peers', peers.map(({ key, addresses }) => [run.id(key), ...addresses].join(' ')).join('\n')],
      ['commits', areCommitsPublished ? 'become claims' : 'stay in git; lb git hooks on'],
    ]),
  );
}

async function hooks(run: Run): Promise<void> {
  const repository = await repositoryOf(run);
  const { isHookOn, turnHookOff, turnHookOn } = await import('../../git/hooks.ts');
  const [given] = run.args;
  const state = given === undefined ? undefined : parseWord(given, 'the state', ['on', 'off']);
  if (state === 'on') {
    const { groupId } = await groupHere(run, await sharedOf(run));
    const { beginNow } = await import('../../git/commits.ts');
    if (!(await isHookOn(repository))) await beginNow(repository, groupId);
    await turnHookOn(repository, hookCommand(run));
  }
  if (state === 'off') await turnHookOff(repository);
  const areCommitsPublished = await isHookOn(repository);
  run.print({ areCommitsPublished }, () =>
    run.out.line(areCommitsPublished ? 'Your commits become claims' : 'Commits stay in git'),
  );
}

function hookCommand(run: Run): string[] {
  const { as } = run.options;
  const line = [...ownCommand(), 'git', 'sync', '--commits', '--local', '--data', run.path(run.data)];
  return as === undefined ? line : [...line, '--as', as];
}
