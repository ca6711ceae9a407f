/**
 * The tables of the ledger.
 *
 * A claim has a random id and a random key, so keeping them in order costs two places to write at random. What a pass
 * says is therefore written down as it comes, in `fresh`, and put in order some thousands at a time: a tenth of the
 * pages, and the trees of sections grow at their end. What asks for more (which section of an edited document is
 * found again, which took the place of which) gets a table of its own for that document alone.
 */
export const SCHEMA = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = NORMAL;
  PRAGMA cache_size = -32768;
  CREATE TABLE IF NOT EXISTS pass (id INTEGER PRIMARY KEY AUTOINCREMENT);
  CREATE TABLE IF NOT EXISTS root (
    id INTEGER PRIMARY KEY, group_id TEXT NOT NULL, path BLOB NOT NULL, UNIQUE (group_id, path));
  CREATE TABLE IF NOT EXISTS file (
    id INTEGER PRIMARY KEY, root INTEGER NOT NULL, path BLOB NOT NULL, content BLOB NOT NULL, label TEXT NOT NULL,
    sections INTEGER NOT NULL, pass INTEGER NOT NULL, UNIQUE (root, path));
  CREATE INDEX IF NOT EXISTS file_content ON file (root, content);
  CREATE TABLE IF NOT EXISTS claim_group (id INTEGER PRIMARY KEY, group_id TEXT NOT NULL UNIQUE);
  CREATE TABLE IF NOT EXISTS claim (
    id INTEGER PRIMARY KEY, claim_group INTEGER NOT NULL, claim BLOB NOT NULL, said BLOB NOT NULL,
    pass INTEGER NOT NULL, UNIQUE (claim_group, claim));
  CREATE INDEX IF NOT EXISTS claim_said ON claim (claim_group, said);
  CREATE TABLE IF NOT EXISTS section (
    file INTEGER, claim INTEGER, ordinal INTEGER NOT NULL, parent INTEGER, key BLOB NOT NULL, place BLOB NOT NULL,
    pass INTEGER NOT NULL, made INTEGER NOT NULL, PRIMARY KEY (file, claim)) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS section_claim ON section (claim);
  CREATE TABLE IF NOT EXISTS fresh (
    id INTEGER PRIMARY KEY, claim_group INTEGER NOT NULL, file INTEGER NOT NULL, claim BLOB NOT NULL,
    ordinal INTEGER NOT NULL, parent BLOB, said BLOB NOT NULL, key BLOB NOT NULL, place BLOB NOT NULL,
    pass INTEGER NOT NULL, made INTEGER NOT NULL);
  CREATE TABLE IF NOT EXISTS retired (group_id TEXT, claim BLOB, PRIMARY KEY (group_id, claim)) WITHOUT ROWID;
  CREATE TEMP TABLE earlier (
    claim INTEGER PRIMARY KEY, ordinal INTEGER, parent INTEGER, key BLOB, place BLOB, pass INTEGER);
  CREATE INDEX temp.earlier_key ON earlier (key);
  CREATE TEMP TABLE successor (claim INTEGER PRIMARY KEY, ordinal INTEGER, parent INTEGER, place BLOB);
  CREATE INDEX temp.successor_place ON successor (place);
  CREATE INDEX temp.successor_ordinal ON successor (parent, ordinal);`;
