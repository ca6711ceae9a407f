/** A test collection in the format of Cranfield: documents, queries, and which documents answer which query. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Collection {
  readonly documents: readonly { readonly id: number; readonly text: string }[];
  readonly queries: readonly { readonly text: string; readonly relevant: ReadonlySet<number> }[];
}

const FILES = { documents: 'cran.all.1400', queries: 'cran.qry', judgements: 'cranqrel' };

/** The collection in a folder, or nothing where it is not there. */
export function readCollection(folder: string): Collection | undefined {
  const path = (name: keyof typeof FILES): string => join(folder, FILES[name]);
  if (!Object.keys(FILES).every((name) => existsSync(path(name as keyof typeof FILES)))) return undefined;
  const relevant = readJudgements(readFileSync(path('judgements'), 'utf8'));
  const documents = records(readFileSync(path('documents'), 'utf8')).map(({ number, fields }) => {
    const { T: title = '', W: body = '' } = fields;
    // Most bodies begin with their title; where one does not, it belongs to what is searched.
    return { id: number, text: (body.startsWith(title) ? body : `${title} ${body}`).trim() };
  });
  // Judgements count the queries, whose own numbers have gaps.
  const queries = records(readFileSync(path('queries'), 'utf8')).map(({ fields }, at) => ({
    text: fields.W ?? '',
    relevant: relevant.get(at + 1) ?? new Set<number>(),
  }));
  return {
    documents: documents.filter(({ text }) => text !== ''),
    queries: queries.filter((query) => query.relevant.size > 0),
  };
}

/** `.I 7`, then fields that begin with a line such as `.W`. */
function records(text: string): { number: number; fields: Record<string, string> }[] {
  const found: { number: number; fields: Record<string, string> }[] = [];
  let field: string | undefined;
  for (const line of text.split('\n')) {
    const [, name, number] = /^\.([A-Z])\s*(\d*)\s*$/.exec(line) ?? [];
    const record = found.at(-1);
    if (name === 'I') {
      found.push({ number: Number(number), fields: {} });
      field = undefined;
    } else if (name !== undefined) field = name;
    else if (record !== undefined && field !== undefined)
      record.fields[field] = `${record.fields[field] ?? ''} ${line}`.replace(/\s+/g, ' ').trim();
  }
  return found;
}

/**
 * `query document grade`. Grades are read as relevant or not: -1 marks a document of no interest, and descriptions
 * of the collection disagree on which end of 1 to 4 is the better one.
 */
function readJudgements(text: string): Map<number, Set<number>> {
  const relevant = new Map<number, Set<number>>();
  for (const line of text.trim().split('\n')) {
    const [query, document, grade] = line.trim().split(/\s+/).map(Number);
    if (grade === undefined || grade < 1) continue;
    const documents = relevant.get(query!) ?? new Set();
    relevant.set(query!, documents.add(document!));
  }
  return relevant;
}
