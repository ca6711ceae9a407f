/** `access`: tokens for callers over the network, who have no socket to open. */
import type { Command } from 'commander';
import { UsageError } from '../../../actors/errors.ts';
import { type AccessToken, AccessTokens } from '../../access/tokens.ts';
import { type CliContext, family, type Run, verb } from '../context.ts';
import { parseFutureTime } from '../parse.ts';
import { collect } from '../policy.ts';
import { type Column, printFields, printTable } from '../table.ts';
import { formatTime, shortId } from '../text.ts';

const heading = 'Operation';
const EXPIRES_DEFAULT = '90d';
const NAME = /^[\w.-]{1,64}$/;

interface CreateOptions {
  readonly writeAs?: string;
  readonly admin?: boolean;
  readonly group?: readonly string[];
  readonly expires: string;
}

export function registerAccess(program: Command, context: CliContext): void {
  const access = family(program, 'access', 'Make and revoke tokens for the HTTP interface.', heading);
  verb(
    access,
    context,
    {
      usage: 'list',
      summary: 'List the access tokens of this node.',
      heading,
      example: 'lb access list',
      isDefault: true,
    },
    (command) => command,
    list,
  );
  verb<CreateOptions>(
    access,
    context,
    {
      usage: 'create',
      summary: 'Make an access token, which is shown once.',
      heading,
      example:
        'lb access create dashboard\nlb access create worker --write-as bob --group domain:research --expires 30d',
      details:
        'Every token reads. --write-as adds signing as one identity, and --admin acting on the node itself. --group confines it to some groups: its bearer sees no others, and nothing of the node as a whole. The node keeps a hash of the token, so nobody can look it up later.',
    },
    (command) =>
      command
        .argument('<name>', 'what it is for: 1 to 64 of the characters A-Z a-z 0-9 . _ -')
        .option('--write-as <identity>', 'its bearer signs as this identity')
        .option('--admin', 'its bearer acts on the node: identities and the like')
        .option('--group <group>', 'only this group; may be given several times (default: all)', collect)
        .option('--expires <when>', 'a span from now, a time, or "never"', EXPIRES_DEFAULT),
    create,
  );
  verb(
    access,
    context,
    {
      usage: 'revoke',
      summary: 'End an access token at once.',
      heading,
      example: 'lb access revoke dashboard',
    },
    (command) => command.argument('<token>', 'its name, or the first digits of its id'),
    revoke,
  );
}

/** The tokens of the directory. The node is opened, so that the directory is known to be one, and owned. */
async function tokensOf(run: Run): Promise<AccessTokens> {
  return new AccessTokens((await run.node()).data);
}

function wire(token: AccessToken) {
  const { id, name, groups, createdMs, expiresMs } = token;
  return { id, name, scopes: scopesText(token), groups, createdMs, expiresMs };
}

function scopesText({ identity, isAdmin, groups }: AccessToken): string {
  const scopes = ['read', identity && `write as ${identity}`, isAdmin && 'admin'].filter(Boolean).join(', ');
  return groups === undefined ? scopes : `${scopes}; only in ${groups.map((id) => shortId(id)).join(', ')}`;
}

async function list(run: Run): Promise<void> {
  const tokens = (await tokensOf(run)).list().map(wire);
  const nowMs = Date.now();
  const columns: readonly Column<(typeof tokens)[number]>[] = [
    { header: 'name', value: ({ name }) => name },
    { header: 'id', value: ({ id }) => shortId(id), plain: ({ id }) => id },
    { header: 'scopes', value: ({ scopes }) => scopes, isFlexible: true },
    { header: 'created', value: ({ createdMs }) => formatTime(createdMs).slice(0, 10) },
    {
      header: 'expires',
      value: ({ expiresMs }) =>
        expiresMs === undefined
          ? 'never'
          : expiresMs <= nowMs
            ? 'expired'
            : formatTime(expiresMs).slice(0, 10),
    },
  ];
  run.print({ tokens }, () =>
    printTable(run.out, columns, tokens, 'no tokens; make one with: lb access create'),
  );
}

async function create(run: Run<CreateOptions>): Promise<void> {
  const { writeAs, admin = false, group, expires } = run.options;
  const name = run.args[0]!;
  if (!NAME.test(name)) throw new UsageError(`a token is called 1 to 64 of the characters A-Z a-z 0-9 . _ -`);
  const node = await run.node();
  const identity = writeAs === undefined ? undefined : node.identity(writeAs).name;
  const groups = group?.map((one) => node.group(one).groupId);
  const expiresMs = expires === 'never' ? undefined : parseFutureTime(expires, '--expires', Date.now());
  const { token, access } = new AccessTokens(node.data).create({
    name,
    isAdmin: admin,
    ...(identity === undefined ? {} : { identity }),
    ...(groups === undefined ? {} : { groups: [...new Set(groups)] }),
    ...(expiresMs === undefined ? {} : { expiresMs }),
  });
  run.print({ token, ...wire(access) }, () =>
    printFields(run.out, [
      ['token', token],
      ['name', name],
      ['scopes', wire(access).scopes],
      ['expires', expiresMs === undefined ? 'never' : formatTime(expiresMs)],
    ]),
  );
  run.hint('keep it now: the node has only a hash of it');
}

async function revoke(run: Run): Promise<void> {
  const access = (await tokensOf(run)).revoke(run.args[0]!);
  run.print(wire(access), () => run.out.line(`The token ${access.name} is revoked`));
}
