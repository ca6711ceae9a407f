/** The views that `lb sql` reads. */
import { describeViews } from '../../views/describe.ts';
import { table } from './table.ts';

export function sqlViewsTable(): string {
  const rows = describeViews().map(({ view, about, columns }) => [
    `\`${view}\``,
    about,
    columns.map((column) => `\`${column}\``).join(' '),
  ]);
  return table(['view', 'what it shows', 'columns'], rows);
}
