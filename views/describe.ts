/** What `sql` may be asked about, with its columns: read from SQLite itself, so that it cannot disagree. */
import { creationScript, SQL_VIEWS } from './schema.ts';
import { Sqlite } from './sqlite.ts';

export interface DescribedView {
  readonly view: string;
  /** One line. */
  readonly about: string;
  readonly columns: readonly string[];
}

/** Every view that `sql` may read. */
export function describeViews(): DescribedView[] {
  const sqlite = new Sqlite(':memory:');
  try {
    sqlite.database.exec(creationScript());
    return Object.entries(SQL_VIEWS).map(([view, { about }]) => ({
      view,
      about,
      columns: sqlite.database
        .prepare(`SELECT * FROM ${view}`)
        .columns()
        .map(({ name }) => name),
    }));
  } finally {
    sqlite.close();
  }
}
