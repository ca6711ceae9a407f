/** One pass of an import: every file that was found, and every file that is gone. */
import { setImmediate as turn } from 'node:timers/promises';
import type { Agent } from '../../../actors/agent.ts';
import type { Group } from '../../../actors/group.ts';
import { pathText } from './file-names.ts';
import { type FailedPath, type FoundFile, isGone } from './files.ts';
import type { Ledger } from './ledger.ts';
import type { FileRow } from './ledger-rows.ts';
import { type Before, Placer } from './placer.ts';
import type { Publisher } from './publisher.ts';
import type { Reader } from './reader.ts';
import type { DocumentTold } from './reading-protocol.ts';

/** Documents that are asked for ahead, so that neither thread waits for the other between small files. */
const ASKED_AHEAD = 8;

export interface PassOptions {
  readonly group: Group;
  readonly agent: Agent;
  readonly tags?: readonly string[];
  readonly prune?: boolean;
  readonly encoding?: string;
  readonly signal?: AbortSignal;
  readonly found: readonly FoundFile[];
  readonly roots: readonly Buffer[];
  readonly ledger: Ledger;
  readonly reader: Reader;
  readonly publisher: Publisher;
  readonly onFile: () => void;
}

export interface Tally {
  files: number;
  sections: number;
  left: number;
  renamed: number;
  gone: number;
  readonly failed: FailedPath[];
}

interface Asked extends FoundFile {
  readonly rootId: number;
  /** Its path below its root. */
  readonly inside: Buffer;
  readonly row: FileRow | undefined;
}

export class Pass {
  readonly tally: Tally = { files: 0, sections: 0, left: 0, renamed: 0, gone: 0, failed: [] };
  private readonly options: PassOptions;
  private readonly rootIds = new Map<string, number>();
  /** Found files, by their root and path. */
  private readonly present = new Set<string>();
  private readonly placer: Placer;

  constructor(options: PassOptions) {
    this.options = options;
    this.placer = new Placer(options, this.tally);
    for (const root of options.roots) this.rootIds.set(root.toString('latin1'), options.ledger.rootId(root));
    for (const { path } of options.found) this.present.add(path.toString('latin1'));
  }

  /** Ends early once something was refused: the publisher knows. */
  async run(): Promise<void> {
    const { found, signal, onFile } = this.options;
    const waiting = found.values();
    const asked: Asked[] = [];
    const askMore = (): void => {
      while (asked.length < ASKED_AHEAD) {
        const next = waiting.next();
        if (next.done) return;
        asked.push(this.ask(next.value));
      }
    };
    for (askMore(); asked.length > 0; askMore()) {
      signal?.throwIfAborted();
      const file = asked.shift()!;
      const outcome = await this.hear(file);
      if (outcome === 'refused') return;
      if (outcome === 'unsealed') asked.push(this.ask(file, true));
      else onFile();
    }
    await this.options.ledger.merge(true);
    for (const [root, id] of this.rootIds) await this.endOf(Buffer.from(root, 'latin1'), id);
  }

  private ask({ path, real, root }: FoundFile, isFresh = false): Asked {
    const { ledger, reader, encoding } = this.options;
    const rootId = this.rootIds.get(root.toString('latin1'))!;
    const inside = path.subarray(root.length);
    const row = ledger.file(rootId, inside);
    const known = row === undefined || isFresh ? undefined : { content: row.content, label: row.label };
    reader.ask({ kind: 'read', path, real, root, encoding, known });
    return { path, real, root, rootId, inside, row };
  }

  private async hear(file: Asked): Promise<'done' | 'refused' | 'unsealed'> {
    const told = await this.options.reader.next();
    if (told.kind === 'failed') return this.failed(file, told.reason);
    if (told.kind !== 'document') throw new Error(`the reader told ${told.kind} of no document`);
    const outcome = told.isKnown ? await this.isStill(file.row!) : await this.isNow(file, told);
    if (outcome !== 'unsealed') this.tally.files++;
    return outcome;
  }

  private failed({ path }: Asked, reason: string): 'done' {
    this.tally.failed.push({ path: pathText(path), reason });
    return 'done';
  }

  /** The file is what it was: its claims are there, unless the last import was cut short. */
  private async isStill(row: FileRow): Promise<'done' | 'refused' | 'unsealed'> {
    await this.options.reader.next();
    if (!this.placer.isSealed(row)) return 'unsealed';
    this.tally.sections += row.sections;
    return (await this.placer.retireLeft(row.id, row.pass, nameIn(row.label))) ? 'done' : 'refused';
  }

  private async isNow(file: Asked, document: DocumentTold): Promise<'done' | 'refused'> {
    const { ledger, reader } = this.options;
    const row = file.row ?? (await this.renamed(file, document));
    const id = row?.id ?? ledger.addFile(file.rootId, file.inside);
    const sectionsBefore = this.tally.sections;
    await this.placer.begin(id, document, before(row, document));
    let isTaken = true;
    for (let told = await reader.next(); told.kind !== 'end'; told = await reader.next()) {
      if (told.kind === 'failed') return this.failed(file, told.reason);
      if (told.kind !== 'entries') throw new Error(`the reader told ${told.kind} within a document`);
      for (const entry of told.entries) isTaken &&= await this.placer.place(entry);
      reader.taken();
      await ledger.merge(false);
      // Batches that wait already would follow each other without anybody else's turn.
      await turn();
      this.options.signal?.throwIfAborted();
      if (!isTaken) return 'refused';
    }
    ledger.setFile(id, document.content, document.label, this.tally.sections - sectionsBefore);
    if (row === undefined) return 'done';
    return (await this.placer.retireLeft(id, ledger.pass, document.name)) ? 'done' : 'refused';
  }

  /** The file of the same content that is gone from elsewhere in the folder. */
  private async renamed(file: Asked, { content }: DocumentTold): Promise<FileRow | undefined> {
    for (const row of this.options.ledger.filesWith(file.rootId, content)) {
      if (!(await this.isGoneFrom(file.root, row))) continue;
      this.options.ledger.moveFile(row.id, file.inside);
      this.tally.renamed++;
      return row;
    }
    return undefined;
  }

  private async isGoneFrom(root: Buffer, { path }: FileRow): Promise<boolean> {
    const whole = Buffer.concat([root, path]);
    return !this.present.has(whole.toString('latin1')) && (await isGone(whole));
  }

  /** Deals with what is gone from a root. */
  private async endOf(root: Buffer, id: number): Promise<void> {
    const { ledger, prune } = this.options;
    let rows = ledger.filesAfter(id, 0);
    for (; rows.length > 0; rows = ledger.filesAfter(id, rows.at(-1)!.id))
      for (const row of rows) {
        this.options.signal?.throwIfAborted();
        if (!(await this.isGoneFrom(root, row))) continue;
        if (this.placer.isRetired(row)) {
          ledger.removeFile(row.id);
          continue;
        }
        this.tally.gone++;
        if (prune && !(await this.pruneFile(root, row))) return;
      }
  }

  private pruneFile(root: Buffer, row: FileRow): Promise<boolean> {
    const name = pathText(row.path.subarray(1));
    return this.placer.retireLeft(row.id, this.options.ledger.pass + 1, name || pathText(root));
  }
}

/** See `DocumentTold.label`. */
function nameIn(label: string): string {
  return String(JSON.parse(label)[0]);
}

/** What an earlier pass knows of a document. The tags are in the labels: see `DocumentTold.label`. */
function before(row: FileRow | undefined, { label }: DocumentTold): Before {
  if (row === undefined) return 'new';
  const isAlike =
    row.label === '' || JSON.stringify(JSON.parse(row.label)[1]) === JSON.stringify(JSON.parse(label)[1]);
  return isAlike ? 'known' : 'tagged anew';
}
