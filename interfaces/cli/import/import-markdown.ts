/**
 * Markdown files become claims: one per section, threaded under the claim of the section or document around it.
 *
 * The import can be repeated at any time and after any interruption. What the group says already is skipped; an
 * edited section is added beside its earlier version, with the same parent. See `known-claims.ts` for what counts as
 * the same, `sections.ts` for what counts as a section, and `names.ts` for what makes a document the same one.
 */

import type { Agent } from '../../../actors/agent.ts';
import { isBlank } from '../../../actors/blank-text.ts';
import { RefusedError } from '../../../actors/errors.ts';
import type { Group } from '../../../actors/group.ts';
import type { Hex32 } from '../../../events/bytes.ts';
import { CLAIM_TEXT_BYTES_MAX, TAGS_MAX } from '../../../events/limits.ts';
import type { Refusal } from '../../../events/refusals.ts';
import { type FailedPath, type FoundFile, findFiles, readDocument } from './files.ts';
import { KnownClaims } from './known-claims.ts';
import { type DocumentName, Namer } from './names.ts';
import { cutIntoParts } from './parts.ts';
import { Publisher } from './publisher.ts';
import { type ParsedMarkdown, type Section, splitSections } from './sections.ts';

export interface ImportOptions {
  readonly group: Group;
  /** Who claims. */
  readonly agent: Agent;
  /** Files and folders. */
  readonly paths: readonly string[];
  /** Given to every claim, before the tags that follow from where it was found. */
  readonly tags?: readonly string[];
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
  /** Documents that were read. */
  readonly files: number;
  /** Sections in them; one that is longer than a claim may be counts once for each of its parts. */
  readonly sections: number;
  /** Claims that were made of them. */
  readonly claims: number;
  /** Sections that the group had already. */
  readonly skipped: number;
  readonly failed: readonly FailedPath[];
  readonly seconds: number;
}

/** Refusals that say that somebody else imports the same at the same time: what was read of the group is old. */
const OVERTAKEN: ReadonlySet<Refusal['code']> = new Set(['artifact_known', 'claim_unknown']);
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
  const found = await findFiles(options.paths, failed, options.signal);
  let claims = 0;
  for (let pass = 1; ; pass++) {
    const known = await KnownClaims.read(options.group, options.signal);
    const run = new Pass(options, known, found.length, seconds, claims);
    const refusal = await run.import(found);
    claims = run.claims;
    if (refusal === undefined) {
      const { files, sections } = run;
      const all = [...failed, ...run.failed];
      return { files, sections, claims, skipped: sections - claims, failed: all, seconds: seconds() };
    }
    if (pass === PASSES_MAX || !OVERTAKEN.has(refusal.code)) throw new RefusedError(refusal);
  }
}

/** A section on its way to being a claim: its text in parts, and what goes below it. */
interface Node {
  readonly parts: readonly string[];
  readonly nodes: readonly Node[];
}

/** One pass over all files, with what the group said at its beginning. */
class Pass {
  files = 0;
  sections = 0;
  claims: number;
  readonly failed: FailedPath[] = [];
  private readonly options: ImportOptions;
  private readonly known: KnownClaims;
  private readonly publisher: Publisher;
  private readonly namer = new Namer();

  constructor(
    options: ImportOptions,
    known: KnownClaims,
    filesTotal: number,
    seconds: () => number,
    claimsBefore: number,
  ) {
    this.options = options;
    this.known = known;
    this.claims = claimsBefore;
    const report = (): void =>
      options.onProgress?.({ files: this.files, filesTotal, claims: this.claims, seconds: seconds() });
    this.publisher = new Publisher(options.agent, (more) => {
      this.claims += more;
      report();
    });
    this.report = report;
  }

  private readonly report: () => void;

  async import(found: readonly FoundFile[]): Promise<Refusal | undefined> {
    try {
      for (const file of found) {
        this.options.signal?.throwIfAborted();
        if (!(await this.importFile(file))) break;
        this.report();
      }
    } catch (error) {
      await this.publisher.abandon();
      throw error;
    }
    return this.publisher.finish();
  }

  /** Returns false once something was refused. */
  private async importFile({ path, root }: FoundFile): Promise<boolean> {
    const document = await readDocument(path);
    if ('reason' in document) {
      this.failed.push({ path, reason: document.reason });
      return true;
    }
    const { text, modifiedMs } = document;
    const parsed = parse(text);
    if (parsed === undefined) {
      this.failed.push({ path, reason: 'nested too deep to be read as Markdown' });
      return true;
    }
    this.files++;
    if (text.trim() === '') return true;
    const named = this.namer.nameOf(path, root);
    const tags = [...new Set([...(this.options.tags ?? []), ...named.tags])].slice(0, TAGS_MAX);
    const tree = toNode(text, parsed, parsed.root, named);
    return this.place([tree], [undefined], { tags, createdMs: modifiedMs });
  }

  /**
   * Makes claims of `siblings` and what is below them.
   * @param parents the claim above and its earlier versions; new claims go below the first
   */
  private async place(
    siblings: readonly Node[],
    parents: readonly (Hex32 | undefined)[],
    stamp: { tags: readonly string[]; createdMs: number },
  ): Promise<boolean> {
    const exact = siblings.map(({ parts }) => this.known.find(parents, parts[0]!));
    const present = new Set(exact);
    for (const [at, { parts, nodes }] of siblings.entries()) {
      const [text, ...rest] = parts;
      // What stands at this place and is no section of this text (any more) was this section once.
      const earlier = this.known.atPlaceOf(parents, text!).filter((claim) => !present.has(claim));
      const claim = exact[at] ?? (await this.claim(text!, parents, stamp));
      if (claim === undefined) return false;
      present.add(claim);
      if (exact[at] !== undefined) this.sections++;
      const versions = [claim, ...earlier];
      // The parts of a long section follow each other in one thread; its subsections belong to the first.
      const below = rest.length === 0 ? nodes : [{ parts: rest, nodes: [] }, ...nodes];
      if (below.length > 0 && !(await this.place(below, versions, stamp))) return false;
    }
    return true;
  }

  private async claim(
    text: string,
    parents: readonly (Hex32 | undefined)[],
    stamp: { tags: readonly string[]; createdMs: number },
  ): Promise<Hex32 | undefined> {
    this.sections++;
    // Twice the same words in one place, as changelogs have them, is one claim.
    const twin = this.known.find(parents, text);
    if (twin !== undefined) return twin;
    const parent = parents[0];
    const { tags, createdMs } = stamp;
    const batch = this.options.agent.prepareClaim({
      text,
      tags,
      createdMs,
      ...(parent === undefined ? {} : { parent }),
    });
    const isTaken = await this.publisher.add(batch, tags);
    this.known.add(batch.claim, parent, text);
    return isTaken ? batch.claim : undefined;
  }
}

function parse(text: string): ParsedMarkdown | undefined {
  try {
    return splitSections(text);
  } catch (error) {
    // The parser recurses; the only thing it throws for any text is that the stack is used up.
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** A section's claims-to-be. The document's begins with its name, which is never empty. */
function toNode(text: string, parsed: ParsedMarkdown, section: Section, named?: DocumentName): Node {
  const head = named === undefined ? '' : `${named.name}\n\n`;
  const ranges = cutIntoParts(text, section, parsed, CLAIM_TEXT_BYTES_MAX - Buffer.byteLength(head));
  const [first = '', ...rest] = ranges.map(({ start, end }) => trimBlankLines(text.slice(start, end)));
  const parts = [(head + first).trimEnd(), ...rest].filter((part) => !isBlank(part));
  return { parts, nodes: section.sections.map((one) => toNode(text, parsed, one)) };
}

/** Without blank lines around it; the indent of the first line may mean code and stays. */
function trimBlankLines(text: string): string {
  return text.replace(/^(?:[ \t]*(?:\r\n|\r|\n))+/, '').trimEnd();
}
