/** `prove-consistency`, `verify-consistency`: that the history of today goes on from the one of then. */
import type { Command } from 'commander';
import { UsageError } from '../../../actors/errors.ts';
import { isHex32 } from '../../../events/bytes.ts';
import { type CliContext, type Run, verb } from '../context.ts';
import { VerdictError } from '../errors.ts';
import { readInput, writeOutput } from '../files.ts';
import { parseCount } from '../parse.ts';
import { givenOf, outOf, subjectOf, subjectOption } from '../resolve.ts';
import { printFields } from '../table.ts';
import { askedGroup } from './history.ts';

const heading = 'History';

export function registerConsistency(program: Command, context: CliContext): void {
  verb<{ since?: string; out?: string }>(
    program,
    context,
    {
      usage: 'prove-consistency',
      summary: 'Write a proof that the present history extends the one at an earlier height.',
      heading,
      example: 'lb prove-consistency 10 since-10.lbproof',
      inGroup: true,
    },
    (command) =>
      subjectOption(
        subjectOption(command, 'since', 'the earlier height', 'height'),
        'out',
        'the new file',
        'file',
      ),
    prove,
  );
  verb<{ old?: string; head?: string }>(
    program,
    context,
    {
      usage: 'verify-consistency',
      summary: 'Check such a proof. Needs no node.',
      heading,
      example: 'lb verify-consistency since-10.lbproof --old ID',
      details:
        'Name the head that you saw then with --old: without it the proof only shows that some history goes on from some other.',
      inGroup: true,
    },
    (command) =>
      command
        .argument('<file>', 'the proof')
        .option('--old <block>', 'id of the head that you saw then, in full')
        .option('--head <block>', 'id of the present head, in full'),
    verify,
  );
}

async function prove(run: Run<{ since?: string; out?: string }>): Promise<void> {
  const said = givenOf(run, ['since', 'out']);
  const given = subjectOf('since', said.since, undefined);
  const file = outOf(said.out);
  const group = await run.group();
  const since = parseCount(given, '--since', 0, group.head.height);
  const proof = group.proveConsistency(since);
  const out = run.path(file);
  writeOutput(run.terminal, file, proof);
  const old = { height: since, blockId: group.block(since).blockId };
  const { height, blockId } = group.head;
  run.print({ out, bytes: proof.length, old, head: { height, blockId } }, () => {
    run.out.line(run.out.style('green', `Wrote a proof of ${proof.length} bytes to ${out}`));
    printFields(
      run.out,
      [
        ['from', `${since}, ${old.blockId}`],
        ['to', `${height}, ${blockId}`],
      ],
      '  ',
    );
  });
}

async function verify(run: Run<{ old?: string; head?: string }>): Promise<void> {
  const { old, head } = run.options;
  for (const [flag, id] of [
    ['--old', old],
    ['--head', head],
  ] as const)
    if (id !== undefined && !isHex32(id))
      throw new UsageError(`${flag} wants the whole id of a block: 64 hex digits`);
  const groupId = await askedGroup(run);
  const { verifyConsistencyProof, PROOF_REASONS } = await import('../../../events/proof.ts');
  const { nativeCrypto } = await import('../../../actors/chain/core.ts');
  const proof = await readInput(run.terminal, run.args[0]!);
  const verdict = verifyConsistencyProof(proof, nativeCrypto, {
    ...(groupId === undefined ? {} : { groupId }),
    ...(old === undefined ? {} : { oldBlockId: old }),
    ...(head === undefined ? {} : { headBlockId: head }),
  });
  if (verdict.status === 'invalid') {
    run.print(verdict, () => {});
    throw new VerdictError('proof_invalid', `the proof proves nothing: ${PROOF_REASONS[verdict.reason]}`);
  }
  const { status, facts } = verdict;
  const isAnchored = status === 'valid';
  run.print({ status, facts }, () => {
    if (isAnchored) run.out.line(run.out.style('green', 'The one history goes on from the other'));
    printFields(run.out, [
      ['group', facts.groupId],
      ['from', `${facts.old.height}, ${facts.old.blockId}`],
      ['to', `${facts.head.height}, ${facts.head.blockId}`],
    ]);
  });
  if (!isAnchored)
    throw new VerdictError(
      'proof_unanchored',
      'the proof holds in itself; name the head that you saw then with --old',
    );
}
