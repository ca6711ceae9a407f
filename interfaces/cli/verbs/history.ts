/**
 * `replay`, `audit`, `export`, `prove`, `verify-proof`: the history, checked and carried away. What does not hold is
 * printed as a result and ends with an exit code of its own, so that scripts need not read the text.
 */
import { availableParallelism } from 'node:os';
import type { Command } from 'commander';
import { UsageError } from '../../../actors/errors.ts';
import type { Audit, AuditReport } from '../../../actors/history/audit.ts';
import type { ExportSource } from '../../../actors/history/export-file.ts';
import type { Progress } from '../../../actors/history/progress.ts';
import type { Replay } from '../../../actors/history/replay.ts';
import { type Hex32, isHex32 } from '../../../events/bytes.ts';
import type { ProofFacts } from '../../../events/proof.ts';
import { type CliContext, type Run, verb } from '../context.ts';
import { FileError, VerdictError } from '../errors.ts';
import { describeFact } from '../facts.ts';
import { codeOf } from '../failures.ts';
import { readInput, writeOutput } from '../files.ts';
import { parseCount } from '../parse.ts';
import { explain } from '../refusals/explain.ts';
import { plainSay } from '../refusals/say.ts';
import { givenOf, outOf, subjectOf, subjectOption } from '../resolve.ts';
import { type Field, printFields, printSentence } from '../table.ts';
import { formatTime, shortId } from '../text.ts';

const heading = 'History';

export function registerHistory(program: Command, context: CliContext): void {
  verb<{ to?: string }>(
    program,
    context,
    {
      usage: 'replay',
      summary: 'Rebuild the state from block 0 and compare it with what was sealed.',
      heading,
      example: 'lb replay\nlb replay --to 10\nlb replay ./research.lbgroup',
      inGroup: true,
    },
    (command) =>
      command
        .argument('[file]', 'an export (default: the group on this node)')
        .option('--to <height>', 'stop there'),
    replayHistory,
  );
  verb(
    program,
    context,
    {
      usage: 'audit',
      summary: 'Check everything: every signature, rule, sum, artifact and index.',
      heading,
      example: 'lb audit --group domain:research\nlb audit ./research.lbgroup --group ID',
      details:
        'Of a file, --group says which group it must be of. Without it the file itself says so: then the audit shows that it is sound, and you know the group by its id.',
      inGroup: true,
    },
    (command) => command.argument('[file]', 'an export (default: the group on this node)'),
    auditHistory,
  );
  verb<{ out?: string; overwrite?: boolean }>(
    program,
    context,
    {
      usage: 'export',
      summary: 'Write the group to one file that anybody can audit.',
      heading,
      example: 'lb export research.lbgroup --group domain:research',
      inGroup: true,
    },
    (command) =>
      subjectOption(command, 'out', 'the file', 'file').option('--overwrite', 'replace a file of that name'),
    exportHistory,
  );
  registerProofs(program, context);
}

function registerProofs(program: Command, context: CliContext): void {
  verb<{ tx?: string; out?: string }>(
    program,
    context,
    {
      usage: 'prove',
      summary: 'Write a receipt for a transaction that a stranger can check.',
      heading,
      example: 'lb prove TX receipt.lbproof',
      inGroup: true,
    },
    (command) => subjectOption(subjectOption(command, 'tx', 'the transaction'), 'out', 'the file', 'file'),
    prove,
  );
  verb<{ head?: string }>(
    program,
    context,
    {
      usage: 'verify-proof',
      summary: 'Check a receipt. Needs no node.',
      heading,
      example: 'lb verify-proof receipt.lbproof --group GROUP',
      details:
        "A receipt that the group's founder sealed stands by itself. Of any other, name a head that you trust with --head.",
      inGroup: true,
    },
    (command) =>
      command
        .argument('<file>', 'the receipt')
        .option('--head <block>', 'id of a head that you trust, in full'),
    verifyReceipt,
  );
}

/** A line on the terminal while it runs. */
async function withProgress<T>(
  run: Run,
  label: string,
  work: (onProgress: (progress: Progress) => void) => Promise<T>,
): Promise<T> {
  const line = run.progress(label);
  try {
    return await work(({ height, of }) => line.update(height + 1, of + 1));
  } finally {
    line.end();
  }
}

/** The export that the argument names, closed at the end of the run. */
async function openedExport(run: Run, path: string): Promise<ExportSource> {
  const { openExport } = await import('../../../actors/history/export-file.ts');
  const groupId = await askedGroup(run);
  const source = opened(() => openExport(run.path(path), groupId === undefined ? {} : { groupId }), path);
  run.onEnd(() => source.close());
  return source;
}

/** The whole id of the group that `--group` names. A whole id needs no node to be understood; a name or a short one does. */
export async function askedGroup(run: Run): Promise<Hex32 | undefined> {
  const { group } = run.options;
  return group === undefined || isHex32(group) ? group : (await run.group()).groupId;
}

function opened(open: () => ExportSource, path: string): ExportSource {
  try {
    return open();
  } catch (error) {
    if (codeOf(error) !== 'not_found') throw error;
    throw new FileError('not_found', `there is no file ${path}; a group goes by --group`);
  }
}

async function replayHistory(run: Run<{ to?: string }>): Promise<void> {
  const [file] = run.args;
  const { to } = run.options;
  const last = file === undefined ? (await run.group()).head.height : (await openedExport(run, file)).height;
  const toHeight = to === undefined ? last : parseCount(to, '--to', 0, last);
  const result = await withProgress(run, 'replaying block', async (onProgress) => {
    if (file === undefined) return (await run.group()).replay({ toHeight, onProgress });
    const { replay } = await import('../../../actors/history/replay.ts');
    return replay(await openedExport(run, file), { toHeight, onProgress });
  });
  printReplay(run, result);
}

function printReplay(run: Run, result: Replay): void {
  const { status, blocks, transactions, operations, seconds } = result;
  const counts = { status, blocks, transactions, operations, seconds };
  const head =
    result.status === 'ok'
      ? result.tip && { height: result.tip.height, blockId: result.tip.blockId }
      : undefined;
  const fault = result.status === 'broken' ? { at: result.at, refusal: result.refusal } : undefined;
  run.print({ ...counts, head, fault }, () => {
    if (status === 'ok') printSentence(run.out, 'Replay gives the same state, block by block');
    printFields(run.out, [
      ['height', head && String(head.height)],
      ['head', head?.blockId],
      ...countFields({ blocks, transactions, operations, seconds }),
    ]);
  });
  if (result.status === 'broken') {
    const { height, transaction } = result.at;
    const place =
      transaction === undefined ? `block ${height}` : `block ${height}, transaction ${transaction}`;
    const { why, next } = explain(result.refusal, plainSay(Date.now()));
    throw new VerdictError('replay_broken', `the history breaks at ${place}: ${why}; ${next}`);
  }
}

function countFields(counts: {
  blocks: number;
  transactions: number;
  operations: number;
  seconds: number;
}): Field[] {
  const { blocks, transactions, operations, seconds } = counts;
  const rate = seconds > 0 ? ` (${Math.round(operations / seconds)} operations/s)` : '';
  return [
    ['blocks', String(blocks)],
    ['transactions', String(transactions)],
    ['operations', String(operations)],
    ['time', `${seconds.toFixed(2)} s${rate}`],
  ];
}

async function auditHistory(run: Run): Promise<void> {
  const [file] = run.args;
  const result = await withProgress(run, 'auditing block', async (onProgress) => {
    if (file === undefined) return (await run.group()).audit({ onProgress });
    const source = await openedExport(run, file);
    const { audit } = await import('../../../actors/history/audit.ts');
    const { PoolVerifier } = await import('../../../crypto/pool-verifier.ts');
    const verifier = new PoolVerifier({ threads: availableParallelism() });
    run.onEnd(() => verifier.close());
    return audit(source, { verifier, onProgress });
  });
  await printAudit(run, result);
}

async function printAudit(run: Run, result: Audit): Promise<void> {
  const { status, report } = result;
  const finding = result.status === 'broken' ? result.finding : undefined;
  run.print({ status, finding, report }, () => {
    if (finding === undefined) printSentence(run.out, 'Everything holds');
    printFields(run.out, reportFields(report));
  });
  if (finding === undefined) return;
  const { describeFinding } = await import('../../../actors/history/findings.ts');
  const text = describeFinding(finding, (refusal) => explain(refusal, plainSay(Date.now())).why);
  throw new VerdictError('audit_broken', `the audit ends at ${text}`);
}

function reportFields(report: AuditReport): Field[] {
  return [
    ['group', report.groupId],
    ...countFields(report),
    ['signatures', `${report.signatures} (${report.signaturesPerSecond}/s)`],
    ['artifacts', String(report.artifacts)],
    ['tokens', `${report.held} held, ${report.supply} in supply`],
  ];
}

async function exportHistory(run: Run<{ out?: string; overwrite?: boolean }>): Promise<void> {
  const { overwrite = false } = run.options;
  const out = outOf(givenOf(run, ['out']).out);
  const group = await run.group();
  const summary = await withProgress(run, 'exporting block', (onProgress) =>
    group.exportTo(run.path(out), { onProgress, overwrite }).catch((error: unknown) => {
      if (codeOf(error) !== 'exists') throw error;
      throw new FileError('exists', `${(error as Error).message}; choose another name, or add --overwrite`);
    }),
  );
  run.print({ out, ...summary }, () => {
    printSentence(run.out, `Wrote ${group.info().name} to ${out}`);
    printFields(
      run.out,
      [
        ['group', summary.groupId],
        ['height', String(summary.height)],
        ['blocks', String(summary.blocks)],
        ['artifacts', String(summary.artifacts)],
        ['bytes', String(summary.bytes)],
      ],
      '  ',
    );
  });
}

async function prove(run: Run<{ tx?: string; out?: string }>): Promise<void> {
  const given = givenOf(run, ['tx', 'out']);
  const tx = subjectOf('tx', given.tx, undefined).toLowerCase();
  const out = outOf(given.out);
  const group = await run.group();
  const { txId, location } = group.findTransaction(tx);
  const proof = group.prove(txId);
  writeOutput(run.terminal, out, proof);
  const { height, blockId } = group.head;
  run.print({ txId, height: location.height, head: { height, blockId }, out, bytes: proof.length }, () => {
    printSentence(run.out, `Wrote a receipt of ${proof.length} bytes to ${out}`);
    printFields(
      run.out,
      [
        ['transaction', txId],
        ['sealed in', `block ${location.height}`],
        ['up to head', `${height}, ${blockId}`],
        ['group', group.groupId],
      ],
      '  ',
    );
  });
}

async function verifyReceipt(run: Run<{ head?: string }>): Promise<void> {
  const { head } = run.options;
  if (head !== undefined && !isHex32(head))
    throw new UsageError('--head wants the whole id of a block: 64 hex digits');
  const groupId = await askedGroup(run);
  const { verifyProof, PROOF_REASONS } = await import('../../../events/proof.ts');
  const { nativeCrypto } = await import('../../../actors/chain/core.ts');
  const verdict = verifyProof(await readInput(run.terminal, run.args[0]!), nativeCrypto, {
    ...(groupId === undefined ? {} : { groupId }),
    ...(head === undefined ? {} : { headBlockId: head }),
  });
  if (verdict.status === 'invalid') {
    run.print(verdict, () => {});
    throw new VerdictError('proof_invalid', `the receipt proves nothing: ${PROOF_REASONS[verdict.reason]}`);
  }
  const { status, facts } = verdict;
  const isAnchored = status === 'valid';
  run.print({ status, facts }, () => printFacts(run, facts, isAnchored));
  if (!isAnchored)
    throw new VerdictError(
      'proof_unanchored',
      `the receipt holds in itself, but its sealer ${shortId(facts.sealer)} is not the founder; name a head that you trust with --head`,
    );
}

function printFacts(run: Run, facts: ProofFacts, isAnchored: boolean): void {
  if (isAnchored) printSentence(run.out, 'The receipt is valid');
  printFields(run.out, [
    ['group', facts.groupId],
    ['transaction', facts.txId],
    ['author', facts.author],
    ['sealed', `${formatTime(facts.tsMs)} in block ${facts.height} at position ${facts.index}`],
    ['sealer', `${facts.sealer}${facts.sealerIsFounder ? ' (the founder)' : ''}`],
    ['head', `${facts.head.height}, ${facts.head.blockId}`],
    [
      'operations',
      facts.operations.map((one) => `${one.type}  ${describeFact(one, (id) => run.id(id))}`).join('\n'),
    ],
  ]);
}
