/** `import`: Markdown files and folders become claims. */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { UsageError } from '../../../actors/errors.ts';
import { type CliContext, type Run, verb } from '../context.ts';
import { ImportIncompleteError } from '../errors.ts';
import { parseTags } from '../fields.ts';
import type { ImportSummary } from '../import/import-markdown.ts';
import { importStatus, perSecond } from '../import/progress.ts';
import { cleanLine, count } from '../text.ts';

interface ImportVerbOptions {
  readonly tags?: string;
  readonly prune?: boolean;
  readonly dryRun?: boolean;
  readonly followLinks?: boolean;
  readonly encoding?: string;
}

/** How long vectors of what was imported are made, once all of it is there. */
const VECTORS_MS = 3_000;
/** Failed paths that people are shown; machines get all. */
const FAILED_SHOWN_MAX = 10;

export function registerImport(program: Command, context: CliContext): void {
  verb<ImportVerbOptions>(
    program,
    context,
    {
      usage: 'import <path...>',
      summary: 'Import Markdown files and folders: one claim per section.',
      heading: 'Knowledge',
      example: 'lb import ./docs README.md --tags handbook,2026\nlb import ./docs --prune --dry-run',
      details:
        'Sections are threaded under their document and tagged with its front matter, package, folder and file; the title of the front matter is the title of the document. It can be run again at any time: what is there already is skipped, and a section that was edited or removed is retracted in favor of what took its place. A renamed file keeps the claims of its sections. The claims of a file that is gone stay until --prune. What somebody else claimed stays as well. Hidden folders, node_modules inside a folder, and links that lead out of it are left out. UTF-8 and UTF-16 are recognized. A path that is named and cannot be imported makes the verb fail once the rest is imported.',
      inGroup: true,
      signs: true,
    },
    (command) =>
      command
        .option('--tags <tags>', 'more tags for every claim, separated by commas')
        .option('--prune', 'retract the claims of files that are gone from the given folders')
        .option('--dry-run', 'only say what would be done')
        .option('--follow-links', 'also read what links out of the given folders point to')
        .option(
          '--encoding <name>',
          'encoding of files that are not UTF-8 and have no byte order mark: windows-1252, shift_jis, …',
        ),
    runImport,
  );
}

async function runImport(run: Run<ImportVerbOptions>): Promise<void> {
  const tags = parseTags(run.options.tags);
  const { prune, dryRun, followLinks } = run.options;
  const encoding = parseEncoding(run.options.encoding);
  const { importMarkdown } = await import('../import/import-markdown.ts');
  const [group, agent] = [await run.group(), await run.agent()];
  const { data, views } = await run.node();
  const { signal } = run;
  const paths = run.args.map((path) => run.path(path));
  const onProgress = run.json ? () => {} : importStatus(run.out);
  const summary = await importMarkdown({
    group,
    agent,
    data,
    paths,
    tags,
    signal,
    onProgress,
    ...(prune === undefined ? {} : { prune }),
    ...(dryRun === undefined ? {} : { dryRun }),
    ...(followLinks === undefined ? {} : { followLinks }),
    ...(encoding === undefined ? {} : { encoding }),
  });
  run.out.status('');
  run.print(summary, () => printSummary(run, summary));
  if (summary.claims > 0 && !run.isUpHere) await views.workOff(VECTORS_MS, signal);
  // What a folder holds beside its documents is no failure; what the user named is.
  const asked = new Set(paths.map((path) => resolve(path)));
  const named = summary.failed.filter(({ path }) => asked.has(path));
  const found = summary.failed.filter(({ path }) => !asked.has(path));
  for (const failed of found.slice(0, FAILED_SHOWN_MAX)) run.hint(cleanLine(`skipped ${describe(failed)}`));
  const more = found.length - FAILED_SHOWN_MAX;
  if (more > 0) run.hint(`… and ${more} more; --json lists all`);
  if (named.length > 0) throw incomplete(named);
}

/** @throws UsageError */
function parseEncoding(name: string | undefined): string | undefined {
  if (name === undefined) return undefined;
  try {
    return new TextDecoder(name).encoding;
  } catch {
    throw new UsageError(
      `there is no encoding ${JSON.stringify(name)}; windows-1252, iso-8859-2, shift_jis and utf-16le are some`,
    );
  }
}

type Failed = ImportSummary['failed'];

function describe({ path, reason }: Failed[number]): string {
  return `${path}: ${reason}`;
}

function incomplete(named: Failed): ImportIncompleteError {
  const shown = named.slice(0, FAILED_SHOWN_MAX).map(describe);
  const more = named.length > shown.length ? [`${named.length - shown.length} more`] : [];
  return new ImportIncompleteError(
    `could not import ${[...shown, ...more].join('; ')}; the rest is imported, and can be imported again without harm`,
  );
}

function printSummary(run: Run<ImportVerbOptions>, summary: ImportSummary): void {
  const { files, sections, claims, skipped, failed, seconds, dryRun } = summary;
  const rate = claims === 0 ? '' : ` (${perSecond(claims, seconds)})`;
  const from = `${count(sections, 'section')} of ${count(files, 'file')}`;
  run.out.line(
    run.out.style(
      'green',
      `${dryRun ? 'Would import' : 'Imported'} ${count(claims, 'claim')} from ${from} in ${seconds.toFixed(1)} s${rate}`,
    ),
  );
  if (skipped > 0) run.out.line(`  ${count(skipped, 'section')} known already`);
  printChanges(run, summary);
  if (failed.length > 0) run.out.line(`  ${count(failed.length, 'path')} could not be imported`);
}

/** What became of claims that an earlier import made. */
function printChanges(
  run: Run<ImportVerbOptions>,
  { retracted, reinstated, left, renamed, gone }: ImportSummary,
): void {
  const lines: [number, string][] = [
    [renamed, `${count(renamed, 'file')} renamed`],
    [retracted, `${count(retracted, 'claim')} retracted: changed or gone`],
    [reinstated, `${count(reinstated, 'claim')} reinstated: there again`],
    [
      left,
      `${count(left, 'claim')} of others changed or gone; only their authors or an admin may retract them`,
    ],
  ];
  for (const [number, line] of lines) if (number > 0) run.out.line(`  ${line}`);
  if (gone === 0) return;
  run.out.line(`  ${count(gone, 'file')} gone`);
  if (run.options.prune !== true) run.hint('--prune retracts the claims of files that are gone');
}
