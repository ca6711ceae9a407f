/**
 * Markdown files become claims: one per section, threaded under the claim of the section or document around it.
 *
 * The import can be repeated at any time and after any interruption. What the group says already is skipped. A section
 * that was edited, or is no longer there, is retracted with a reason that names the claim in its place, where there is
 * one; what stood below it stays as it is. A file that was renamed keeps the claims of its sections: only the
 * document's own claim, which names the file, is made anew. The claims of a file that is gone are retracted when that
 * is asked for, since a folder may be empty for other reasons.
 *
 * The files are read and parsed in a thread of their own (`reader.ts`), a bounded amount ahead; what was imported from
 * where is kept in the ledger (`ledger.ts`).
 */

import type { Agent } from '../../../actors/agent.ts';
import { RefusedError } from '../../../actors/errors.ts';
import type { Group } from '../../../actors/group.ts';
import type { Refusal } from '../../../events/refusals.ts';
import type { Operation } from '../../../events/registry.ts';
import { layoutOf } from '../../../storage/directory.ts';
import { indexClaims } from './claim-index.ts';
import { type FailedPath, type FoundFile, findFiles } from './files.ts';
import { Ledger } from './ledger.ts';
import { Pass, type Tally } from './pass.ts';
import { Publisher } from './publisher.ts';
import { Reader } from './reader.ts';
import { inTurn } from './turns.ts';

export interface ImportOptions {
  readonly group: Group;
  /** Who claims. */
  readonly agent: Agent;
  /** The data directory of the node: what was imported from where is kept in it. */
  readonly data: string;
  /** Files and folders. */
  readonly paths: readonly string[];
  /** Given to every claim, before the tags of the front matter and those that follow from where it was found. */
  readonly tags?: readonly string[];
  /** Retracts the claims of files that are gone. */
  readonly prune?: boolean;
  /** Only says what would be done. */
  readonly dryRun?: boolean;
  /** Follows links that lead out of the given folders. */
  readonly followLinks?: boolean;
  /** What files are read as that are no UTF-8 and have no mark: a label of the WHATWG's Encoding Standard. */
  readonly encoding?: string;
  readonly onProgress?: (progress: ImportProgress) => void;
  readonly signal?: AbortSignal;
}

export interface ImportProgress {
  readonly files: number;
  readonly filesTotal: number;
  /** Claims that are on disk. */
  readonly claims: number;
  readonly seconds: number;
}

export interface ImportSummary {
  /** Whether nothing was done, and the numbers say what would be. */
  readonly dryRun: boolean;
  /** Documents that were read. */
  readonly files: number;
  /** Sections in them; one that is longer than a claim may be counts once for each of its parts. */
  readonly sections: number;
  /** Claims that were made of them. */
  readonly claims: number;
  /** Sections that the group had already. */
  readonly skipped: number;
  /** Claims of sections that changed or went away. */
  readonly retracted: number;
  /** Claims that an import had retracted, and that are there again. */
  readonly reinstated: number;
  /** Claims of such sections that somebody else made; they stay. */
  readonly left: number;
  /** Files that kept their sections under another name. */
  readonly renamed: number;
  /** Files that are gone; with `prune`, their claims are retracted. */
  readonly gone: number;
  readonly failed: readonly FailedPath[];
  readonly seconds: number;
}

/** Refusals that say that somebody else imports the same at the same time: what was read of the group is old. */
const OVERTAKEN: ReadonlySet<Refusal['code']> = new Set([
  'artifact_known',
  'claim_unknown',
  'claim_retracted',
  'claim_not_retracted',
]);
const PASSES_MAX = 20;

/**
 * Imports Markdown files and folders into a group.
 * @throws NotFoundError when no given path exists, RefusedError where the rules do not let `agent` claim, and
 * the signal's reason once what was under way is on disk
 */
export async function importMarkdown(options: ImportOptions): Promise<ImportSummary> {
  const startedMs = performance.now();
  const seconds = (): number => (performance.now() - startedMs) / 1000;
  const failed: FailedPath[] = [];
  const files = await findFiles(options.paths, failed, options);
  const ledgerFile = layoutOf(options.data).imports;
  return inTurn(ledgerFile, options.signal, async () => {
    const sealed = { claim: 0, retract: 0, reinstate: 0 };
    for (let pass = 1; ; pass++) {
      const outcome = await onePass(options, files, ledgerFile, sealed, seconds);
      if ('tally' in outcome) return summaryOf(options, outcome.tally, sealed, failed, seconds());
      const { refusal } = outcome;
      if (pass === PASSES_MAX || !OVERTAKEN.has(refusal.code)) throw new RefusedError(refusal);
    }
  });
}

type Sealed = Record<'claim' | 'retract' | 'reinstate', number>;

/** One pass over all files, with what the group said at its beginning. */
async function onePass(
  options: ImportOptions,
  files: { readonly found: readonly FoundFile[]; readonly roots: readonly Buffer[] },
  ledgerFile: string,
  sealed: Sealed,
  seconds: () => number,
): Promise<{ readonly tally: Tally } | { readonly refusal: Refusal }> {
  using ledger = new Ledger(ledgerFile, options.group.groupId, options.dryRun === true);
  await indexClaims(options.group, ledger, options.signal);
  await using reader = new Reader(options.signal);
  const onSealed = (operations: readonly Operation[]): void => {
    for (const { type } of operations) sealed[type as keyof Sealed]++;
    report();
  };
  const isDry = options.dryRun === true;
  const publisher = new Publisher(options.agent, { isDry, onSend: () => ledger.keep(), onSealed });
  const pass = new Pass({ ...options, ...files, ledger, reader, publisher, onFile: () => report() });
  const report = (): void =>
    options.onProgress?.({
      files: pass.tally.files,
      filesTotal: files.found.length,
      claims: sealed.claim,
      seconds: seconds(),
    });
  try {
    await pass.run();
  } catch (error) {
    await publisher.abandon();
    throw error;
  }
  const refusal = await publisher.finish();
  return refusal === undefined ? { tally: pass.tally } : { refusal };
}

function summaryOf(
  { dryRun = false }: ImportOptions,
  { files, sections, left, renamed, gone, failed }: Tally,
  sealed: Sealed,
  unfound: readonly FailedPath[],
  seconds: number,
): ImportSummary {
  const { claim: claims, retract: retracted, reinstate: reinstated } = sealed;
  return {
    dryRun,
    files,
    sections,
    claims,
    skipped: sections - claims,
    retracted,
    reinstated,
    left,
    renamed,
    gone,
    failed: [...unfound, ...failed],
    seconds,
  };
}
