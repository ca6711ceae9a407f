/** `import`: Markdown files and folders become claims. */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { type CliContext, type Run, verb } from '../context.ts';
import { ImportIncompleteError } from '../errors.ts';
import { parseTags } from '../fields.ts';
import type { ImportSummary } from '../import/import-markdown.ts';
import { importStatus, perSecond } from '../import/progress.ts';
import { cleanLine, count } from '../text.ts';

interface ImportVerbOptions {
  readonly tags?: string;
}

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
      example: 'lb import ./docs README.md --tags handbook,2026',
      details:
        'Sections are threaded under their document and tagged with their package, folder and file. What is there already is skipped, so it can be run again at any time: an edited section adds only that section. Hidden folders, and node_modules inside a folder, are left out. A path that is named and cannot be imported makes the verb fail once the rest is imported.',
      inGroup: true,
      signs: true,
    },
    (command) => command.option('--tags <tags>', 'more tags for every claim, separated by commas'),
    runImport,
  );
}

async function runImport(run: Run<ImportVerbOptions>): Promise<void> {
  const tags = parseTags(run.options.tags);
  const { importMarkdown } = await import('../import/import-markdown.ts');
  const [group, agent] = [await run.group(), await run.agent()];
  const { signal } = run;
  const paths = run.args.map((path) => run.path(path));
  const onProgress = run.json ? () => {} : importStatus(run.out);
  const summary = await importMarkdown({ group, agent, paths, tags, signal, onProgress });
  run.out.status('');
  run.print(summary, () => printSummary(run, summary));
  // What a folder holds beside its documents is no failure; what the user named is.
  const asked = new Set(paths.map((path) => resolve(path)));
  const named = summary.failed.filter(({ path }) => asked.has(path));
  const found = summary.failed.filter(({ path }) => !asked.has(path));
  for (const failed of found.slice(0, FAILED_SHOWN_MAX)) run.hint(cleanLine(`skipped ${describe(failed)}`));
  const more = found.length - FAILED_SHOWN_MAX;
  if (more > 0) run.hint(`… and ${more} more; --json lists all`);
  if (named.length > 0) throw incomplete(named);
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

function printSummary(run: Run, summary: ImportSummary): void {
  const { files, sections, claims, skipped, failed, seconds } = summary;
  const rate = claims === 0 ? '' : ` (${perSecond(claims, seconds)})`;
  const from = `${count(sections, 'section')} of ${count(files, 'file')}`;
  run.out.line(
    run.out.style(
      'green',
      `Imported ${count(claims, 'claim')} from ${from} in ${seconds.toFixed(1)} s${rate}`,
    ),
  );
  if (skipped > 0) run.out.line(`  ${count(skipped, 'section')} known already`);
  if (failed.length > 0) run.out.line(`  ${count(failed.length, 'path')} could not be imported`);
}
