/** `backup`, `backup verify`, `restore`: a node carried to another disk, and the proof that it arrived whole. */
import { availableParallelism, tmpdir } from 'node:os';
import type { Command } from 'commander';
import type { BackupCheck } from '../../../actors/history/check-backup.ts';
import type { BackupManifest } from '../../../storage/backup/manifest.ts';
import { type CliContext, family, type Run, verb } from '../context.ts';
import { VerdictError } from '../errors.ts';
import { datedName, outputFile } from '../paths.ts';
import { type Column, printFields, printTable } from '../table.ts';
import { count, formatTime, shellWord, shortId } from '../text.ts';

const heading = 'Operation';

export function registerBackup(program: Command, context: CliContext): void {
  const backups = family(program, 'backup', 'Copy the node while it runs; check a copy.', heading);
  verb<{ out: string }>(
    backups,
    context,
    {
      usage: 'create',
      summary: 'Copy the whole node to one file, at any time, under any load.',
      heading,
      example: 'lb backup --out node.lbbackup\nlb backup create --out ./backups',
      details:
        'The copy is of one moment. It holds the chain, the keys (encrypted, if they are), the configuration, the access tokens (as hashes) and what was read: keep it as safe as the node. Read models are made again from the chain; logs are left out. It is a tar file with a manifest of hashes. For a while it takes the room of two copies.',
      isDefault: true,
    },
    (command) => command.requiredOption('--out <path>', 'the new file, or a folder to put a dated file into'),
    create,
  );
  verb<{ scratch?: string }>(
    backups,
    context,
    {
      usage: 'verify',
      summary: 'Prove a backup without restoring it: every hash, then an audit of every group.',
      heading,
      runsHere: true,
      example: 'lb backup verify node.lbbackup',
      details:
        'It is unpacked into a scratch folder, which needs as much room and is taken away again. Needs no node.',
    },
    (command) =>
      command
        .argument('<file>', 'the backup')
        .option('--scratch <folder>', "where it is unpacked (default: the system's folder for such files)"),
    verify,
  );
  verb(
    program,
    context,
    {
      usage: 'restore',
      summary: 'Make a node from a backup, in a data directory that is empty or not there yet.',
      heading,
      runsHere: true,
      example: 'lb restore node.lbbackup --data ./restored',
      details:
        'Run the restored node in place of the one that was copied, never beside it: two nodes that seal with one key make two histories, and other members stop following both.',
    },
    (command) => command.argument('<file>', 'the backup'),
    restore,
  );
}

async function create(run: Run<{ out: string }>): Promise<void> {
  const file = outputFile(run.path(run.options.out), () => `${datedName(Date.now())}.lbbackup`);
  const node = await run.node();
  const { groups, files, bytes, createdMs } = await node.backup(file, { signal: run.signal });
  const keysEncrypted = node.hasPassword;
  run.print({ file, bytes, createdMs, keysEncrypted, files, groups }, () => {
    run.out.line(run.out.style('green', `Wrote ${file}`));
    printFields(
      run.out,
      [
        ['bytes', String(bytes)],
        ['groups', String(groups.length)],
        [
          'keys',
          keysEncrypted ? 'encrypted with the password' : 'not encrypted: whoever has the file has them',
        ],
      ],
      '  ',
    );
  });
  run.hint(`to prove it: lb backup verify ${shellWord(file)}`);
}

async function verify(run: Run<{ scratch?: string }>): Promise<void> {
  const { checkBackup } = await import('../../../actors/history/check-backup.ts');
  const { PoolVerifier } = await import('../../../crypto/pool-verifier.ts');
  const verifier = new PoolVerifier({ threads: availableParallelism() });
  run.onEnd(() => verifier.close());
  const scratch = run.path(run.options.scratch ?? tmpdir());
  const lines = {
    unpacking: run.progress('unpacking byte'),
    auditing: run.progress('auditing block'),
  };
  let check: BackupCheck;
  try {
    const onProgress = (step: keyof typeof lines, done: number, of: number): void =>
      lines[step].update(done, of);
    check = await checkBackup(run.path(run.args[0]!), { verifier, scratch, onProgress });
  } finally {
    lines.auditing.end();
  }
  await printCheck(run, check);
}

async function printCheck(run: Run, { manifest, identities, groups }: BackupCheck): Promise<void> {
  const broken = groups.find(({ audit }) => audit.status === 'broken');
  const wire = groups.map(({ group, audit }) => ({
    ...group,
    status: audit.status,
    finding: audit.status === 'broken' ? audit.finding : undefined,
    report: audit.report,
  }));
  const status = broken === undefined ? 'sound' : 'broken';
  run.print({ status, createdMs: manifest.createdMs, identities, groups: wire }, () => {
    if (status === 'sound')
      run.out.line(run.out.style('green', 'The backup is whole, and everything in it holds'));
    printFields(run.out, [
      ['made', formatTime(manifest.createdMs)],
      ['files', count(manifest.files.length, 'file')],
      ['identities', identities.map(({ name }) => name).join(', ')],
    ]);
    run.out.line();
    printTable(run.out, CHECK_COLUMNS, groups, 'no groups');
  });
  if (broken?.audit.status !== 'broken') return;
  const { describeFinding } = await import('../../../actors/history/findings.ts');
  const what = describeFinding(broken.audit.finding);
  throw new VerdictError('audit_broken', `the audit of ${broken.group.name} ends at ${what}`);
}

const CHECK_COLUMNS: readonly Column<BackupCheck['groups'][number]>[] = [
  { header: 'group', value: ({ group }) => shortId(group.groupId), plain: ({ group }) => group.groupId },
  { header: 'name', value: ({ group }) => group.name, isFlexible: true },
  { header: 'height', value: ({ group }) => String(group.height), align: 'right' },
  {
    header: 'head',
    value: ({ group }) => shortId(group.blockId ?? ''),
    plain: ({ group }) => group.blockId ?? '',
  },
  { header: 'audit', value: ({ audit }) => audit.status },
];

async function restore(run: Run): Promise<void> {
  const { restoreBackup } = await import('../../../storage/backup/read.ts');
  const line = run.progress('restoring byte');
  const data = run.path(run.data);
  let manifest: BackupManifest;
  try {
    manifest = await restoreBackup(run.path(run.args[0]!), data, (done, of) => line.update(done, of));
  } finally {
    line.end();
  }
  const { createdMs, groups, files } = manifest;
  run.print({ data, createdMs, groups, files }, () => {
    run.out.line(run.out.style('green', `Restored the node of ${formatTime(createdMs)} into ${data}`));
    printFields(run.out, [['groups', String(groups.length)]], '  ');
  });
  run.hint(
    'run it in place of the node that was copied, never beside it: two nodes with one key make two histories',
  );
}
