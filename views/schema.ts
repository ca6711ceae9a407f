/**
 * The SQLite file of one group: tables that the indexer fills, and the documented views that `sql` reads.
 *
 * Tables are called by one thing (`claim`), views by many (`claims`). A change here counts up `FORMAT`, and files of
 * another format are built anew from the log, so nothing is ever migrated.
 */

/** Version of the tables, of how text becomes terms, and of what an embedder is given. */
export const FORMAT = 4;

const TABLES = `
CREATE TABLE meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE checkpoint (
  one INTEGER PRIMARY KEY CHECK (one = 1), height INTEGER NOT NULL, block_id TEXT NOT NULL, ts_ms INTEGER NOT NULL
);
CREATE TABLE block (
  height INTEGER PRIMARY KEY, block_id TEXT NOT NULL, ts_ms INTEGER NOT NULL, sealer TEXT NOT NULL,
  transactions INTEGER NOT NULL, bytes INTEGER NOT NULL
);
CREATE TABLE tx (
  height INTEGER, position INTEGER, tx_id TEXT NOT NULL, author TEXT NOT NULL, ts_ms INTEGER NOT NULL,
  replaces TEXT, operations INTEGER NOT NULL, PRIMARY KEY (height, position)
) WITHOUT ROWID;
CREATE TABLE operation (
  height INTEGER, transaction_position INTEGER, position INTEGER, type TEXT NOT NULL, fields TEXT NOT NULL,
  PRIMARY KEY (height, transaction_position, position)
) WITHOUT ROWID;
CREATE TABLE effect (
  height INTEGER, position INTEGER, transaction_position INTEGER NOT NULL, kind TEXT NOT NULL, fields TEXT NOT NULL,
  PRIMARY KEY (height, position)
) WITHOUT ROWID;

CREATE TABLE member (member TEXT PRIMARY KEY, role TEXT, name TEXT, since_ms INTEGER NOT NULL) WITHOUT ROWID;

CREATE TABLE claim (
  n INTEGER PRIMARY KEY, claim TEXT NOT NULL UNIQUE, author TEXT NOT NULL,
  height INTEGER NOT NULL, position INTEGER NOT NULL, ts_ms INTEGER NOT NULL,
  parent INTEGER, root INTEGER NOT NULL, depth INTEGER NOT NULL, tags TEXT NOT NULL,
  terms INTEGER, sameness TEXT, embedded INTEGER NOT NULL DEFAULT 0,
  retracted_by TEXT, retracted_ms INTEGER, reason TEXT,
  cited INTEGER NOT NULL, cited_in INTEGER NOT NULL, is_in INTEGER NOT NULL
);
CREATE INDEX claim_parent ON claim (parent, n) WHERE parent IS NOT NULL;
CREATE INDEX claim_root ON claim (root, n);
CREATE INDEX claim_author ON claim (author, n);
CREATE INDEX claim_time ON claim (ts_ms);
CREATE INDEX claim_place ON claim (height, position);
CREATE INDEX claim_without_text ON claim (n) WHERE terms IS NULL;
CREATE INDEX claim_to_embed ON claim (n) WHERE embedded = 0 AND terms IS NOT NULL;
CREATE TABLE claim_text (n INTEGER PRIMARY KEY, text TEXT NOT NULL, sum INTEGER NOT NULL);
CREATE TABLE claim_tag (form TEXT, n INTEGER, tag TEXT, PRIMARY KEY (form, n, tag)) WITHOUT ROWID;
CREATE TABLE evidence (
  n INTEGER, position INTEGER, reference TEXT NOT NULL, cited INTEGER, PRIMARY KEY (n, position)
) WITHOUT ROWID;
CREATE INDEX evidence_cited ON evidence (cited, n) WHERE cited IS NOT NULL;
CREATE TABLE turning (n INTEGER PRIMARY KEY);
CREATE TABLE telling (
  one INTEGER PRIMARY KEY CHECK (one = 1), cited INTEGER NOT NULL, change INTEGER NOT NULL, told INTEGER NOT NULL
);
CREATE TABLE unsettled (one INTEGER PRIMARY KEY CHECK (one = 1), height INTEGER NOT NULL);
CREATE VIRTUAL TABLE claim_terms USING fts5(terms, content='', columnsize=0, tokenize='ascii');
CREATE VIRTUAL TABLE claim_postings USING fts5vocab(claim_terms, 'instance');
CREATE TABLE vocabulary (
  term TEXT PRIMARY KEY, kin TEXT, loose TEXT NOT NULL, marked INTEGER NOT NULL, reads INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX vocabulary_kin ON vocabulary (kin) WHERE kin IS NOT NULL;
CREATE INDEX vocabulary_loose ON vocabulary (loose);
CREATE VIRTUAL TABLE compound USING fts5(word, tokenize='trigram');
CREATE VIRTUAL TABLE compound_pieces USING fts5vocab(compound, 'row');
CREATE TABLE vector (n INTEGER PRIMARY KEY, vector BLOB NOT NULL);

CREATE TABLE task (
  task TEXT PRIMARY KEY, title TEXT NOT NULL, creator TEXT NOT NULL, status TEXT NOT NULL, assignee TEXT,
  attempt INTEGER NOT NULL, reward INTEGER, due_ms INTEGER, result TEXT, created_ms INTEGER NOT NULL,
  updated_ms INTEGER NOT NULL, n INTEGER NOT NULL UNIQUE, description TEXT, tags TEXT NOT NULL,
  words INTEGER NOT NULL, outcome_words INTEGER
) WITHOUT ROWID;
CREATE INDEX task_without_outcome ON task (n) WHERE result IS NOT NULL AND outcome_words IS NULL;
CREATE TABLE task_tag (form TEXT, n INTEGER, tag TEXT, PRIMARY KEY (form, n, tag)) WITHOUT ROWID;
CREATE VIRTUAL TABLE task_terms USING fts5(terms, content='', columnsize=0, tokenize='ascii');
CREATE VIRTUAL TABLE task_postings USING fts5vocab(task_terms, 'instance');
CREATE TABLE task_transition (
  height INTEGER, position INTEGER, task TEXT NOT NULL, event TEXT NOT NULL, status TEXT NOT NULL,
  attempt INTEGER NOT NULL, by TEXT NOT NULL, assignee TEXT, note TEXT, ts_ms INTEGER NOT NULL,
  PRIMARY KEY (height, position)
) WITHOUT ROWID;
CREATE TABLE presence_change (
  height INTEGER, position INTEGER, member TEXT NOT NULL, status TEXT NOT NULL, metadata TEXT,
  ts_ms INTEGER NOT NULL, PRIMARY KEY (height, position)
) WITHOUT ROWID;
CREATE TABLE balance (account TEXT PRIMARY KEY, amount INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE balance_change (
  n INTEGER PRIMARY KEY, height INTEGER NOT NULL, position INTEGER NOT NULL, account TEXT NOT NULL,
  change INTEGER NOT NULL, amount INTEGER NOT NULL, cause TEXT NOT NULL, ts_ms INTEGER NOT NULL
);
CREATE TABLE offer (
  offer TEXT PRIMARY KEY, seller TEXT NOT NULL, title TEXT NOT NULL, price INTEGER NOT NULL,
  revoked INTEGER NOT NULL, created_ms INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE purchase (
  purchase TEXT PRIMARY KEY, offer TEXT NOT NULL, buyer TEXT NOT NULL, amount INTEGER NOT NULL,
  status TEXT NOT NULL, created_ms INTEGER NOT NULL, updated_ms INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE purchase_transition (
  height INTEGER, position INTEGER, purchase TEXT NOT NULL, status TEXT NOT NULL, ts_ms INTEGER NOT NULL,
  PRIMARY KEY (height, position)
) WITHOUT ROWID;
CREATE TABLE payout (
  height INTEGER, position INTEGER, purchase TEXT NOT NULL, account TEXT NOT NULL, amount INTEGER NOT NULL,
  kind TEXT NOT NULL, ts_ms INTEGER NOT NULL, PRIMARY KEY (height, position)
) WITHOUT ROWID;
CREATE INDEX payout_purchase ON payout (purchase);
CREATE TABLE escrowed_task (task TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE money_moved (
  height INTEGER PRIMARY KEY, ts_ms INTEGER NOT NULL, supply INTEGER NOT NULL, treasury INTEGER NOT NULL,
  escrowed INTEGER NOT NULL
);
`;

const time = (column: string, name = 'time'): string =>
  `strftime('%Y-%m-%dT%H:%M:%fZ', ${column} / 1000.0, 'unixepoch') AS ${name}`;

/** What a view shows, in a line, and its query. */
interface DocumentedView {
  readonly about: string;
  readonly query: string;
}

/** The views that `sql` may read: the audit's vocabulary. Amounts are whole tokens, `ts_ms` is block time. */
export const SQL_VIEWS: Readonly<Record<string, DocumentedView>> = {
  blocks: {
    about: 'every sealed block',
    query: `SELECT height, block_id, ts_ms, ${time('ts_ms')}, sealer, transactions, bytes FROM block`,
  },
  transactions: {
    about: 'every transaction; signed_ms is the time that its author wrote into it',
    query: `SELECT tx.height, tx.position, tx.tx_id, tx.author, tx.ts_ms AS signed_ms, block.ts_ms,
      ${time('block.ts_ms')}, tx.replaces, tx.operations FROM tx JOIN block USING (height)`,
  },
  operations: {
    about: 'every operation; fields is JSON, amounts in it are text',
    query: `SELECT operation.height, transaction_position, operation.position, tx.tx_id, tx.author, type, fields
      FROM operation JOIN tx ON tx.height = operation.height AND tx.position = transaction_position`,
  },
  effects: {
    about: 'everything that happened, as the event stream tells it; fields is JSON',
    query: `SELECT effect.height, effect.position, transaction_position, kind, fields, block.ts_ms
      FROM effect JOIN block USING (height)`,
  },
  members: {
    about: 'who is or was a member (role none: no more), with the name they chose',
    query: `SELECT member, role, name, since_ms FROM member`,
  },
  claims: {
    about:
      'every claim; status is in, out (nothing that it rests on is in) or retracted; text is NULL until it is here',
    query: `SELECT claim.claim, author, height, claim.position, ts_ms, ${time('ts_ms')},
      (SELECT p.claim FROM claim AS p WHERE p.n = claim.parent) AS parent,
      (SELECT r.claim FROM claim AS r WHERE r.n = claim.root) AS root, depth, tags,
      CASE WHEN retracted_by IS NOT NULL THEN 'retracted' WHEN is_in THEN 'in' ELSE 'out' END AS status,
      retracted_by, retracted_ms, reason, text FROM claim LEFT JOIN claim_text USING (n)`,
  },
  claim_tags: {
    about: 'one row for each tag of a claim; tag_form is what tags are compared by: NFKC, lower case',
    query: `SELECT claim.claim, tag, form AS tag_form FROM claim_tag JOIN claim USING (n)`,
  },
  claim_evidence: {
    about: 'what a claim rests on; kind is claim or experience',
    query: `SELECT claim.claim, evidence.position, reference,
      CASE WHEN evidence.cited IS NULL THEN 'experience' ELSE 'claim' END AS kind
      FROM evidence JOIN claim USING (n)`,
  },
  tasks: {
    about: 'tasks as they are now; result_text is NULL where the result is no claim, or is not here',
    query: `SELECT task, title, creator, status, assignee, attempt, reward, due_ms, result, created_ms, updated_ms,
      description, tags, (SELECT text FROM claim JOIN claim_text USING (n) WHERE claim.claim = task.result)
      AS result_text FROM task`,
  },
  task_tags: {
    about: 'one row for each tag of a task; tag_form as in claim_tags',
    query: `SELECT task.task, tag, form AS tag_form FROM task_tag JOIN task USING (n)`,
  },
  task_transitions: {
    about: 'what happened to tasks',
    query: `SELECT height, position, task, event, status, attempt, by, assignee, note, ts_ms, ${time('ts_ms')}
      FROM task_transition`,
  },
  presence_changes: {
    about: 'changes of presence that members put on the chain',
    query: `SELECT height, position, member, status, metadata, ts_ms, ${time('ts_ms')} FROM presence_change`,
  },
  balances: {
    about: "balances now; the treasury's account is called treasury",
    query: `SELECT account, amount FROM balance`,
  },
  balance_changes: {
    about: 'balances over time: each change, and the amount after it',
    query: `SELECT height, position, account, change, amount, cause, ts_ms, ${time('ts_ms')} FROM balance_change`,
  },
  offers: {
    about: 'offers of the market',
    query: `SELECT offer, seller, title, price, revoked, created_ms FROM offer`,
  },
  purchases: {
    about: 'purchases as they are now',
    query: `SELECT purchase, offer, seller, buyer, amount, status, purchase.created_ms, updated_ms
      FROM purchase JOIN offer USING (offer)`,
  },
  payouts: {
    about:
      'what purchases paid to whom; kind is split or royalty, and dust or cap for what went to the account treasury',
    query: `SELECT height, position, purchase, offer, account, payout.amount, kind, ts_ms, ${time('ts_ms')}
      FROM payout JOIN purchase USING (purchase)`,
  },
  money: {
    about: 'supply, treasury and escrows over time: a row for each block that moved any of them',
    query: `SELECT height, ts_ms, ${time('ts_ms')}, supply, treasury, escrowed FROM money_moved`,
  },
  purchase_transitions: {
    about: 'what happened to purchases',
    query: `SELECT height, position, purchase, status, ts_ms, ${time('ts_ms')} FROM purchase_transition`,
  },
};

/** Everything that a new file holds, as one script. */
export function creationScript(): string {
  const views = Object.entries(SQL_VIEWS).map(([name, { query }]) => `CREATE VIEW ${name} AS ${query};`);
  return [TABLES, ...views, `INSERT INTO meta VALUES ('format', ${FORMAT});`].join('\n');
}
