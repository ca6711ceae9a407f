/**
 * What was imported from where: per group and import root, which file had which sections, and which claims they are.
 *
 * It is what tells an edited section from a new one, a renamed file from another one, and a claim that an import took
 * back from one that a person did. No chain can tell that again, so it lies beside the read models, not among them,
 * and goes into backups. It lies in SQLite, so that an import takes the same memory whatever the size of a group.
 *
 * Rows say what an import meant to do. Whether it came to that, the group says: a claim that it does not have was
 * never sealed, and a row of an older pass stays until its claim is known to be retracted.
 *
 * Beside it stands an index of all claims of a group by parent and text, which can be made again at any time.
 */
import { createHash } from 'node:crypto';
import type { Hex32 } from '../../../events/bytes.ts';
import { Sqlite } from '../../../views/sqlite.ts';

const SCHEMA = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = NORMAL;
  CREATE TABLE IF NOT EXISTS pass (id INTEGER PRIMARY KEY AUTOINCREMENT);
  CREATE TABLE IF NOT EXISTS root (
    id INTEGER PRIMARY KEY, group_id TEXT NOT NULL, path BLOB NOT NULL, UNIQUE (group_id, path));
  CREATE TABLE IF NOT EXISTS file (
    id INTEGER PRIMARY KEY, root INTEGER NOT NULL, path BLOB NOT NULL, content BLOB NOT NULL, label TEXT NOT NULL,
    sections INTEGER NOT NULL, pass INTEGER NOT NULL, UNIQUE (root, path));
  CREATE INDEX IF NOT EXISTS file_content ON file (root, content);
  CREATE TABLE IF NOT EXISTS section (
    file INTEGER, claim TEXT, ordinal INTEGER NOT NULL, parent TEXT, key BLOB NOT NULL, place BLOB NOT NULL,
    pass INTEGER NOT NULL, made INTEGER NOT NULL, PRIMARY KEY (file, claim)) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS section_key ON section (file, key);
  CREATE INDEX IF NOT EXISTS section_place ON section (file, place, made, parent);
  CREATE INDEX IF NOT EXISTS section_ordinal ON section (file, ordinal);
  CREATE INDEX IF NOT EXISTS section_claim ON section (claim);
  CREATE TABLE IF NOT EXISTS retired (group_id TEXT, claim TEXT, PRIMARY KEY (group_id, claim)) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS claim_group (id INTEGER PRIMARY KEY, group_id TEXT NOT NULL UNIQUE);
  CREATE TABLE IF NOT EXISTS claim_text (
    claim_group INTEGER, claim TEXT, key BLOB NOT NULL, pass INTEGER NOT NULL,
    PRIMARY KEY (claim_group, claim)) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS claim_text_key ON claim_text (claim_group, key);`;

/** 96 bits, so that a million texts collide with a chance of 10⁻¹⁷. */
const KEY_BYTES = 12;

export interface FileRow {
  readonly id: number;
  readonly path: Uint8Array;
  readonly content: Uint8Array;
  readonly label: string;
  readonly sections: number;
  readonly pass: number;
}

export interface SectionRow {
  readonly claim: Hex32;
  readonly ordinal: number;
  readonly parent: Hex32 | null;
  readonly place: Uint8Array;
}

/** A section where it stands now. */
export interface Standing {
  readonly file: number;
  readonly ordinal: number;
  /** The claim that stands above it now, which need not be the one that its claim names. */
  readonly parent: Hex32 | undefined;
  readonly text: string;
}

/** A short name for a text, below a claim. */
function keyOf(text: string, parent = ''): Buffer {
  return createHash('sha256').update(parent).update('\n').update(text).digest().subarray(0, KEY_BYTES);
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

  /** @param isDry whether nothing of this import is to be remembered */
  constructor(path: string, groupId: Hex32, isDry: boolean) {
    this.sqlite = new Sqlite(path);
    this.groupId = groupId;
    this.isDry = isDry;
    this.sqlite.database.exec(SCHEMA);
    if (isDry) this.sqlite.database.exec('BEGIN');
    this.sqlite.run('INSERT INTO pass DEFAULT VALUES');
    this.pass = this.sqlite.get<{ id: number }>('SELECT max(id) AS id FROM pass')!.id;
    this.sqlite.run('DELETE FROM pass WHERE id < ?', this.pass);
    this.sqlite.run('INSERT OR IGNORE INTO claim_group (group_id) VALUES (?)', groupId);
    this.claimGroup = this.sqlite.get<{ id: number }>(
      'SELECT id FROM claim_group WHERE group_id = ?',
      groupId,
    )!.id;
  }

  [Symbol.dispose](): void {
    if (this.sqlite.database.isTransaction) this.sqlite.database.exec('ROLLBACK');
    this.sqlite.close();
  }

  /** Opens a span of changes that are kept together or not at all. */
  begin(): void {
    if (!this.isDry) this.sqlite.database.exec('BEGIN');
  }

  commit(): void {
    if (!this.isDry) this.sqlite.database.exec('COMMIT');
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

  removeFile(id: number): void {
    this.sqlite.run('DELETE FROM file WHERE id = ?', id);
    this.sqlite.run('DELETE FROM section WHERE file = ?', id);
  }

  // Sections.

  /**
   * The claim of a section of an earlier pass with the same text: below the same claim, or below one whose own
   * section is not found again, since that one was edited.
   */
  earlier({ file, parent, text }: Standing): Hex32 | undefined {
    const key = keyOf(text);
    const same = this.sqlite.get<SectionRow>(
      'SELECT claim FROM section INDEXED BY section_key WHERE file = ? AND key = ? AND pass < ? AND parent IS ? ORDER BY pass DESC, ordinal LIMIT 1',
      file,
      key,
      this.pass,
      parent ?? null,
    );
    if (same !== undefined || parent === undefined) return same?.claim;
    return this.sqlite.get<SectionRow>(
      `SELECT s.claim FROM section s INDEXED BY section_key
       CROSS JOIN section p ON p.file = s.file AND p.claim = s.parent
       WHERE s.file = ? AND s.key = ? AND s.pass < ? AND p.pass < ? ORDER BY s.pass DESC, s.ordinal LIMIT 1`,
      file,
      key,
      this.pass,
      this.pass,
    )?.claim;
  }

  /** @param isMade whether this pass brought the claim in */
  stand(claim: Hex32, standing: Standing, isMade: boolean): void {
    this.sqlite.run(
      'INSERT OR REPLACE INTO section (file, claim, ordinal, parent, key, place, pass, made) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
      standing.file,
      claim,
      standing.ordinal,
      standing.parent ?? null,
      keyOf(standing.text),
      placeOf(standing),
      this.pass,
      isMade ? this.pass : 0,
    );
  }

  /** Sections of a file of passes before `pass`, a few at a time, in the order of their claims. */
  leftOf(file: number, pass: number, after: Hex32 | ''): SectionRow[] {
    return this.sqlite.all<SectionRow>(
      'SELECT claim, ordinal, parent, place FROM section WHERE file = ? AND pass < ? AND claim > ? ORDER BY claim LIMIT 200',
      file,
      pass,
      after,
    );
  }

  /** What this pass made in place of a section: of the same first line, else at the same place. Each is given once. */
  successorOf(file: number, { parent, place, ordinal }: SectionRow): Hex32 | undefined {
    const found =
      this.sqlite.get<SectionRow>(
        `SELECT claim FROM section INDEXED BY section_place WHERE file = ? AND place = ? AND made = ?
         ORDER BY parent IS ? DESC, ordinal LIMIT 1`,
        file,
        place,
        this.pass,
        parent,
      ) ??
      this.sqlite.get<SectionRow>(
        'SELECT claim FROM section INDEXED BY section_ordinal WHERE file = ? AND made = ? AND parent IS ? AND ordinal = ? LIMIT 1',
        file,
        this.pass,
        parent,
        ordinal,
      );
    if (found !== undefined)
      this.sqlite.run('UPDATE section SET made = 0 WHERE file = ? AND claim = ?', file, found.claim);
    return found?.claim;
  }

  forget(file: number, claim: Hex32): void {
    this.sqlite.run('DELETE FROM section WHERE file = ? AND claim = ?', file, claim);
  }

  /** Claims of a file, a few at a time. */
  claimsOf(file: number, pass: number, after: Hex32 | ''): Hex32[] {
    return this.sqlite
      .all<SectionRow>(
        'SELECT claim FROM section WHERE file = ? AND pass >= ? AND claim > ? ORDER BY claim LIMIT 500',
        file,
        pass,
        after,
      )
      .map(({ claim }) => claim);
  }

  /** Whether another file of this group says the same with the same claim. */
  isSaidElsewhere(file: number, claim: Hex32): boolean {
    const row = this.sqlite.get(
      `SELECT 1 FROM section s INDEXED BY section_claim CROSS JOIN file f ON f.id = s.file CROSS JOIN root r ON r.id = f.root
       WHERE s.claim = ? AND s.file <> ? AND s.pass >= f.pass AND r.group_id = ? LIMIT 1`,
      claim,
      file,
      this.groupId,
    );
    return row !== undefined;
  }

  // Claims that an import took back.

  retire(claim: Hex32): void {
    this.sqlite.run('INSERT OR IGNORE INTO retired VALUES (?, ?)', this.groupId, claim);
  }

  isRetired(claim: Hex32): boolean {
    return (
      this.sqlite.get('SELECT 1 FROM retired WHERE group_id = ? AND claim = ?', this.groupId, claim) !==
      undefined
    );
  }

  unretire(claim: Hex32): void {
    this.sqlite.run('DELETE FROM retired WHERE group_id = ? AND claim = ?', this.groupId, claim);
  }

  // All claims of the group.

  isIndexed(claim: Hex32): boolean {
    const row = this.sqlite.get(
      'SELECT 1 FROM claim_text WHERE claim_group = ? AND claim = ? AND pass < ?',
      this.claimGroup,
      claim,
      this.pass,
    );
    return row !== undefined;
  }

  /** @param isOurs whether this pass makes the claim */
  index(claim: Hex32, parent: Hex32 | undefined, text: string, isOurs: boolean): void {
    this.sqlite.run(
      'INSERT OR REPLACE INTO claim_text (claim_group, claim, key, pass) VALUES (?, ?, ?, ?)',
      this.claimGroup,
      claim,
      keyOf(text, parent),
      isOurs ? this.pass : 0,
    );
  }

  /** Claims with this text below `parent`, and whether this pass makes them. */
  indexed(parent: Hex32 | undefined, text: string): { readonly claim: Hex32; readonly isOurs: boolean }[] {
    return this.sqlite
      .all<{ claim: Hex32; pass: number }>(
        'SELECT claim, pass FROM claim_text INDEXED BY claim_text_key WHERE claim_group = ? AND key = ? ORDER BY claim LIMIT 100',
        this.claimGroup,
        keyOf(text, parent),
      )
      .map(({ claim, pass }) => ({ claim, isOurs: pass === this.pass }));
  }
}
