/** `identity`: the keys of this node, and the password that protects them. */
import type { Command } from 'commander';
import { UsageError } from '../../../actors/errors.ts';
import { type CliContext, family, type Run, verb } from '../context.ts';
import { askHidden, givenPassword, newPassword } from '../password.ts';
import { type Column, printFields, printSentence, printTable } from '../table.ts';
import { formatTime } from '../text.ts';
import { ownIdentity } from '../verb-run.ts';

type Identity = Awaited<ReturnType<Awaited<ReturnType<Run['node']>>['createIdentity']>>;

const COLUMNS: readonly Column<Identity>[] = [
  { header: 'name', value: ({ name }) => name },
  { header: 'public key', value: ({ publicKey }) => publicKey, isFlexible: true },
  { header: 'created', value: ({ createdMs }) => formatTime(createdMs).slice(0, 10) },
  { header: 'own', value: ({ isNode }) => (isNode ? 'yes' : '') },
];

export function registerIdentity(program: Command, context: CliContext): void {
  const identity = family(
    program,
    'identity',
    'List, make and protect the identities of this node.',
    'Start here',
  );
  const heading = 'Start here';
  verb(
    identity,
    context,
    {
      usage: 'list',
      summary: 'List the identities of this node.',
      heading,
      example: 'lb identity list',
      isDefault: true,
    },
    (command) => command,
    list,
  );
  verb(
    identity,
    context,
    {
      usage: 'new',
      summary: 'Make another identity, with a key of its own.',
      heading,
      example: 'lb identity new bob',
      signs: true,
    },
    (command) => command.argument('<name>', '1 to 64 of the characters A-Z a-z 0-9 . _ -'),
    create,
  );
  verb(
    identity,
    context,
    { usage: 'show', summary: 'Show an identity.', heading, example: 'lb identity show bob' },
    (command) => command.argument('[identity]', "name or key (default: the node's own)"),
    show,
  );
  verb(
    identity,
    context,
    {
      usage: 'rename',
      summary: 'Give an identity another name; its key stays.',
      heading,
      example: 'lb identity rename node ada',
      details:
        "The node's own identity goes by node as well, whatever it is called. Groups that know it by a name go on doing so: lb profile changes that.",
      signs: true,
    },
    (command) =>
      command
        .argument('<identity>', 'name or key')
        .argument('<name>', '1 to 64 of the characters A-Z a-z 0-9 . _ -'),
    rename,
  );
  verb<PasswordOptions>(
    identity,
    context,
    {
      usage: 'password',
      summary: 'Set, change or remove the password of the keys.',
      heading,
      example: 'lb identity password\nlb identity password --new-password-file ./new --password-file ./old',
      details:
        'The old password is taken from LB_PASSWORD or --password-file, the new one from LB_NEW_PASSWORD or --new-password-file; what is missing is asked for on a terminal.',
    },
    (command) =>
      command
        .option('--new-password-file <file>', 'file with the new password')
        .option('--remove', 'keep the keys without a password from now on'),
    changePassword,
  );
}

async function list(run: Run): Promise<void> {
  const identities = (await run.node()).identities();
  run.print({ identities }, () => printTable(run.out, COLUMNS, identities));
}

function printIdentity(run: Run, identity: Identity): void {
  run.print({ identity }, () =>
    printFields(run.out, [
      ['name', identity.name],
      ['public key', identity.publicKey],
      ['created', formatTime(identity.createdMs)],
      ['own', identity.isNode ? 'yes: the node acts as it unless told otherwise' : 'no'],
    ]),
  );
}

async function create(run: Run): Promise<void> {
  const node = await run.node();
  printIdentity(run, await node.createIdentity(run.args[0]!));
}

async function rename(run: Run): Promise<void> {
  const node = await run.node();
  printIdentity(run, await node.renameIdentity(run.args[0]!, run.args[1]!));
}

async function show(run: Run): Promise<void> {
  const node = await run.node();
  const own = ownIdentity(node);
  printIdentity(run, node.identity(run.args[0] ?? own.name));
}

interface PasswordOptions {
  readonly newPasswordFile?: string;
  readonly remove?: boolean;
}

async function changePassword(run: Run<PasswordOptions>): Promise<void> {
  const { remove, newPasswordFile, passwordFile } = run.options;
  if (remove && newPasswordFile !== undefined)
    throw new UsageError('--remove and --new-password-file exclude each other');
  // A look first, and closed again: nobody should wait for the directory while a person types.
  const { hadPassword } = await run.peek((node) => ({ hadPassword: node.hasPassword }));
  let old = hadPassword ? await givenPassword(run.terminal, passwordFile, run.env) : undefined;
  if (hadPassword) old ??= await askHidden(run, 'Present password: ');
  const given = await givenPassword(run.terminal, newPasswordFile, { LB_PASSWORD: run.env.LB_NEW_PASSWORD });
  const next = remove ? undefined : await newPassword(run, given);
  const node = await run.node();
  await node.changePassword(old, next);
  run.print({ keysEncrypted: next !== undefined }, () =>
    printSentence(run.out, next === undefined ? 'The keys have no password any more' : 'The password is set'),
  );
}
