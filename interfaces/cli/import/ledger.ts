/**
 * What was imported from where: per group and import root, which file had which sections, and which claims they are.
 *
 * It is what tells an edited section from a new one, a renamed file from another one, and a claim that an import took
 * back from one that a person did. No chain can tell that again, so it lies beside the read models, not among them,
 * and goes into backups. It lies in SQLite, so that an import takes the same memory whatever the size of a group.
 *
 * Rows say what an import meant to do. Whether it came to that, the group says: a claim that it does not have was
 * never sealed, and a row of an older pass stays until its claim is known to be retracted. So rows are on disk before
 * what they mean is sent, and an import that is killed at any time leaves no claim that the next one does not know.
 *
 * Beside it stands an index of all claims of a group by parent and text, which can be made again at any time.
 */
import { hash } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import { fromHex, type Hex32, toHex } from '../../../events/bytes.ts';
import { Sqlite } from '../../../views/sqlite.ts';
import type { ClaimRow, FileRow, SectionRow, Standing } from './ledger-rows.ts';
import { SCHEMA } from './ledger-schema.ts';

/** How many sections are put in order together, and how many of them, some milliseconds of work, at once. */
const MERGE_ROWS = 4_096;
const SLICE_ROWS = 512;

/** 96 bits, so that a million texts collide with a chance of 10⁻¹⁷. */
const KEY_BYTES = 12;

/** A short name for a text, below a claim. */
function keyOf(text: string, parent = ''): Buffer {
  return hash('sha256', `${parent}\n${text}`, 'buffer').subarray(0, KEY_BYTES);
}

/** What stays when a section is edited: that it is the document's own, or its first line. */
function placeOf({ parent, text }: Standing): Buffer {
  return keyOf(parent === undefined ? '' : /^[^\r\n]*/.exec(text)![0].trimEnd());
}

export class Ledger implements Disposable {
  /** The number of this import; every row that it touches gets it. */
  readonly pass: number;
  private readonly sqlite: Sqlite;
  private readonly groupId: Hex32;
  private readonly claimGroup: number;
  private readonly isDry: boolean;
  /** The claims that this pass made and that are not in order yet, by what they say. */
  private readonly made = new Map<string, Hex32>();
  private freshCount: number;
  /** The document whose sections the table of successors has. */
  private successorsOf: number | undefined;

  /** @param isDry whether nothing of this import is to be remembered */
  constructor(path: string, groupId: Hex32, isDry: boolean) {
    this.sqlite = new Sqlite(path);
    this.groupId = groupId;
    this.isDry = isDry;
    this.sqlite.database.exec(SCHEMA);
    this.sqlite.database.exec('BEGIN');
    this.sqlite.run('INSERT INTO pass DEFAULT VALUES');
    this.pass = this.sqlite.get<{ id: number }>('SELECT max(id) AS id FROM pass')!.id;
    this.sqlite.run('DELETE FROM pass WHERE id < ?', this.pass);
    this.sqlite.run('INSERT OR IGNORE INTO claim_group (group_id) VALUES (?)', groupId);
    this.claimGroup = this.sqlite.get<{ id: number }>(
      'SELECT id FROM claim_group WHERE group_id = ?',
      groupId,
    )!.id;
    this.freshCount = this.sqlite.get<{ count: number }>('SELECT count(*) AS count FROM fresh')!.count;
  }

  /** Also what an import that failed had told is kept: see above. */
  [Symbol.dispose](): void {
    this.sqlite.database.exec(this.isDry ? 'ROLLBACK' : 'COMMIT');
    this.sqlite.close();
  }

  /** Puts what was told since the last time on disk. A dry import keeps nothing. */
  keep(): void {
    if (!this.isDry) this.sqlite.database.exec('COMMIT; BEGIN');
  }

  // Files.

  rootId(path: Uint8Array): number {
    this.sqlite.run('INSERT OR IGNORE INTO root (group_id, path) VALUES (?, ?)', this.groupId, path);
    return this.sqlite.get<{ id: number }>(
      'SELECT id FROM root WHERE group_id = ? AND path = ?',
      this.groupId,
      path,
    )!.id;
  }

  file(root: number, path: Uint8Array): FileRow | undefined {
    return this.sqlite.get<FileRow>('SELECT * FROM file WHERE root = ? AND path = ?', root, path);
  }

  filesWith(root: number, content: Uint8Array): FileRow[] {
    return this.sqlite.all<FileRow>(
      'SELECT * FROM file INDEXED BY file_content WHERE root = ? AND content = ? LIMIT 100',
      root,
      content,
    );
  }

  /** Files of a root a few at a time, in the order of their ids. */
  filesAfter(root: number, id: number): FileRow[] {
    return this.sqlite.all<FileRow>(
      'SELECT * FROM file WHERE root = ? AND id > ? ORDER BY id LIMIT 500',
      root,
      id,
    );
  }

  addFile(root: number, path: Uint8Array): number {
    this.sqlite.run(
      "INSERT INTO file (root, path, content, label, sections, pass) VALUES (?, ?, x'', '', 0, 0)",
      root,
      path,
    );
    return this.file(root, path)!.id;
  }

  moveFile(id: number, path: Uint8Array): void {
    this.sqlite.run('UPDATE file SET path = ? WHERE id = ?', path, id);
  }

  setFile(id: number, content: Uint8Array, label: string, sections: number): void {
    this.sqlite.run(
      'UPDATE file SET content = ?, label = ?, sections = ?, pass = ? WHERE id = ?',
      content,
      label,
      sections,
      this.pass,
      id,
    );
  }

  /** With all that is known of its sections. */
  removeFile(id: number): void {
    this.sqlite.run('DELETE FROM file WHERE id = ?', id);
    this.sqlite.run('DELETE FROM section WHERE file = ?', id);
  }

  // Sections.

  /** Notes where a section stands. @param isMade whether this pass brought the claim in */
  stand(claim: Hex32, standing: Standing, isMade: boolean): void {
    const { file, ordinal, parent, text } = standing;
    const said = keyOf(text, parent);
    const id = fromHex(claim);
    this.sqlite.run(
      'INSERT INTO fresh (claim_group, file, claim, ordinal, parent, said, key, place, pass, made) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
      this.claimGroup,
      file,
      id,
      ordinal,
      parent === undefined ? null : fromHex(parent),
      said,
      keyOf(text),
      placeOf(standing),
      this.pass,
      isMade ? this.pass : 0,
    );
    this.freshCount++;
    if (isMade) this.made.set(said.toString('latin1'), claim);
  }

  /** Puts what was noted in order, once it is enough, or all of it: what follows asks for sections of this pass. */
  async merge(isAll: boolean): Promise<void> {
    if (this.freshCount === 0 || (!isAll && this.freshCount < MERGE_ROWS)) return;
    for (; this.freshCount > 0; this.freshCount -= this.mergeSlice()) await turn();
    this.made.clear();
    this.keep();
  }

  private mergeSlice(): number {
    const slice = '(SELECT * FROM fresh ORDER BY id LIMIT ?)';
    this.sqlite.run(
      `INSERT INTO claim (claim_group, claim, said, pass)
       SELECT claim_group, claim, said, made FROM ${slice} WHERE true ORDER BY claim
       ON CONFLICT DO UPDATE SET pass = max(pass, excluded.pass)`,
      SLICE_ROWS,
    );
    this.sqlite.run(
      `INSERT INTO section (file, claim, ordinal, parent, key, place, pass, made)
       SELECT f.file, c.id, f.ordinal, p.id, f.key, f.place, f.pass, f.made FROM ${slice} f
       CROSS JOIN claim c ON c.claim_group = f.claim_group AND c.claim = f.claim
       LEFT JOIN claim p ON p.claim_group = f.claim_group AND p.claim = f.parent WHERE true ORDER BY f.id
       ON CONFLICT DO UPDATE SET ordinal = excluded.ordinal, parent = excluded.parent, place = excluded.place,
         pass = excluded.pass, made = max(made, excluded.made)`,
      SLICE_ROWS,
    );
    const count = Math.min(SLICE_ROWS, this.freshCount);
    this.sqlite.run(`DELETE FROM fresh WHERE id IN (SELECT id FROM ${slice})`, SLICE_ROWS);
    return count;
  }

  /** Readies the sections of earlier passes of a document for the questions below; they end when they are found. */
  async openEarlier(file: number): Promise<void> {
    const sections = `SELECT claim, ordinal, parent, key, place, pass FROM section
      WHERE file = ? AND claim > ? AND pass < ? ORDER BY claim LIMIT ?`;
    await this.fill('earlier', sections, file);
  }

  /** Fills a table of one document with what `sections` finds after a claim, a slice at a time. */
  private async fill(table: 'earlier' | 'successor', sections: string, file: number): Promise<void> {
    this.sqlite.run(`DELETE FROM ${table}`);
    for (let after = 0; ; ) {
      this.sqlite.run(`INSERT INTO ${table} ${sections}`, file, after, this.pass, SLICE_ROWS);
      const { last } = this.sqlite.get<{ last: number | null }>(`SELECT max(claim) AS last FROM ${table}`)!;
      if (last === null || last === after) return;
      after = last;
      await turn();
    }
  }

  /**
   * The claim of a section of an earlier pass with the same text: below the same claim, or below one whose own
   * section is not found again, since that one was edited. `openEarlier` comes before it.
   */
  earlier({ parent, text }: Standing): Hex32 | undefined {
    const key = keyOf(text);
    const same = this.sqlite.get<ClaimRow>(
      `SELECT c.id, c.claim FROM earlier e CROSS JOIN claim c ON c.id = e.claim
       WHERE e.key = ? AND e.parent IS (SELECT id FROM claim WHERE claim_group = ? AND claim = ?)
       ORDER BY e.pass DESC, e.ordinal LIMIT 1`,
      key,
      this.claimGroup,
      parent === undefined ? null : fromHex(parent),
    );
    if (same !== undefined || parent === undefined) return same && toHex(same.claim);
    const moved = this.sqlite.get<ClaimRow>(
      `SELECT c.id, c.claim FROM earlier e CROSS JOIN earlier p ON p.claim = e.parent CROSS JOIN claim c ON c.id = e.claim
       WHERE e.key = ? ORDER BY e.pass DESC, e.ordinal LIMIT 1`,
      key,
    );
    return moved && toHex(moved.claim);
  }

  /** A section of an earlier pass is found again. */
  closeEarlier(claim: Hex32): void {
    this.sqlite.run(
      'DELETE FROM earlier WHERE claim = (SELECT id FROM claim WHERE claim_group = ? AND claim = ?)',
      this.claimGroup,
      fromHex(claim),
    );
  }

  /** Sections of a file of passes before `pass`, a few at a time. */
  leftOf(file: number, pass: number, after: number): SectionRow[] {
    return this.sqlite
      .all<Omit<SectionRow, 'claim'> & ClaimRow>(
        `SELECT c.id, c.claim, s.ordinal, s.parent, s.place FROM section s CROSS JOIN claim c ON c.id = s.claim
         WHERE s.file = ? AND s.pass < ? AND s.claim > ? ORDER BY s.claim LIMIT 200`,
        file,
        pass,
        after,
      )
      .map((row) => ({ ...row, claim: toHex(row.claim) }));
  }

  /** What this pass made in place of a section: of the same first line, else at the same place. Each is given once. */
  async successorOf(file: number, { parent, place, ordinal }: SectionRow): Promise<Hex32 | undefined> {
    await this.findSuccessors(file);
    const found =
      this.sqlite.get<{ id: number }>(
        'SELECT claim AS id FROM successor WHERE place = ? ORDER BY parent IS ? DESC, ordinal LIMIT 1',
        place,
        parent,
      ) ??
      this.sqlite.get<{ id: number }>(
        'SELECT claim AS id FROM successor WHERE parent IS ? AND ordinal = ? LIMIT 1',
        parent,
        ordinal,
      );
    if (found === undefined) return undefined;
    this.sqlite.run('DELETE FROM successor WHERE claim = ?', found.id);
    return toHex(this.sqlite.get<ClaimRow>('SELECT id, claim FROM claim WHERE id = ?', found.id)!.claim);
  }

  private async findSuccessors(file: number): Promise<void> {
    if (this.successorsOf === file) return;
    this.successorsOf = file;
    const sections = `SELECT claim, ordinal, parent, place FROM section
      WHERE file = ? AND claim > ? AND made = ? ORDER BY claim LIMIT ?`;
    await this.fill('successor', sections, file);
  }

  forget(file: number, { id }: SectionRow): void {
    this.sqlite.run('DELETE FROM section WHERE file = ? AND claim = ?', file, id);
  }

  /** Claims of a file that stood in `pass` or later, as many at a time as one question takes. */
  *claimsOf(file: number, pass: number): Generator<Hex32> {
    for (let after = 0; ; ) {
      const rows = this.sqlite.all<ClaimRow>(
        `SELECT c.id, c.claim FROM section s CROSS JOIN claim c ON c.id = s.claim
         WHERE s.file = ? AND s.pass >= ? AND s.claim > ? ORDER BY s.claim LIMIT 500`,
        file,
        pass,
        after,
      );
      for (const { claim } of rows) yield toHex(claim);
      if (rows.length === 0) return;
      after = rows.at(-1)!.id;
    }
  }

  /** Whether another file of this group says the same with the same claim. */
  isSaidElsewhere(file: number, { id }: SectionRow): boolean {
    const row = this.sqlite.get(
      `SELECT 1 FROM section s INDEXED BY section_claim CROSS JOIN file f ON f.id = s.file
       WHERE s.claim = ? AND s.file <> ? AND s.pass >= f.pass LIMIT 1`,
      id,
      file,
    );
    return row !== undefined;
  }

  // Claims that an import took back.

  retire(claim: Hex32): void {
    this.sqlite.run('INSERT OR IGNORE INTO retired VALUES (?, ?)', this.groupId, fromHex(claim));
  }

  isRetired(claim: Hex32): boolean {
    return (
      this.sqlite.get(
        'SELECT 1 FROM retired WHERE group_id = ? AND claim = ?',
        this.groupId,
        fromHex(claim),
      ) !== undefined
    );
  }

  unretire(claim: Hex32): void {
    this.sqlite.run('DELETE FROM retired WHERE group_id = ? AND claim = ?', this.groupId, fromHex(claim));
  }

  // All claims of the group.

  isIndexed(claim: Hex32): boolean {
    const row = this.sqlite.get(
      'SELECT 1 FROM claim WHERE claim_group = ? AND claim = ?',
      this.claimGroup,
      fromHex(claim),
    );
    return row !== undefined;
  }

  index(claim: Hex32, parent: Hex32 | undefined, text: string): void {
    this.sqlite.run(
      'INSERT OR IGNORE INTO claim (claim_group, claim, said, pass) VALUES (?, ?, ?, 0)',
      this.claimGroup,
      fromHex(claim),
      keyOf(text, parent),
    );
  }

  /** Claims with this text below `parent`, and whether this pass makes them. */
  indexed(parent: Hex32 | undefined, text: string): { readonly claim: Hex32; readonly isOurs: boolean }[] {
    const said = keyOf(text, parent);
    const made = this.made.get(said.toString('latin1'));
    if (made !== undefined) return [{ claim: made, isOurs: true }];
    return this.sqlite
      .all<ClaimRow & { readonly pass: number }>(
        'SELECT id, claim, pass FROM claim INDEXED BY claim_said WHERE claim_group = ? AND said = ? ORDER BY claim LIMIT 100',
        this.claimGroup,
        said,
      )
      .map(({ claim, pass }) => ({ claim: toHex(claim), isOurs: pass === this.pass }));
  }
}
