/** The thread that reads and parses documents, so that the node's own thread does neither. */
import { parentPort } from 'node:worker_threads';
import { errnoName, errnoReason } from '../../../events/errno.ts';
import { type Document, documentOf, type Entry } from './document.ts';
import { pathText } from './file-names.ts';
import { cleanTags, Namer } from './names.ts';
import { CREDITS, type Credit, type ReadRequest, type Told } from './reading-protocol.ts';
import { openDocument } from './source.ts';

/** What is told at once: a small part of a second's work for whoever hears it. */
const ENTRIES_PER_BATCH = 100;
const CHARACTERS_PER_BATCH = 256 * 1024;

const port = parentPort!;
const namer = new Namer();
let credits = CREDITS;
let onCredit: (() => void) | undefined;
let turn = Promise.resolve();

port.on('message', (message: ReadRequest | Credit) => {
  if (message.kind === 'credit') {
    credits++;
    onCredit?.();
  } else turn = turn.then(() => answer(message));
});

function tell(told: Told): void {
  port.postMessage(told);
}

async function answer(request: ReadRequest): Promise<void> {
  try {
    await read(request);
  } catch (error) {
    const name = errnoName(error);
    // Not of the system: a fault of this program, which the listener of the thread is told.
    if (name === undefined) throw error;
    tell({ kind: 'failed', reason: errnoReason(name, 'read') });
  }
}

async function read({ real, path, root, encoding, known }: ReadRequest): Promise<void> {
  const source = openDocument(real, encoding);
  if ('reason' in source) return tell({ kind: 'failed', reason: source.reason });
  try {
    const { contentHash: content, modifiedMs } = source;
    const { name, tags } = namer.nameOf(pathText(path), pathText(root));
    const { frontMatter, entries } = documentOf(source, name);
    const ownTags = cleanTags(frontMatter.tags);
    const label = JSON.stringify([name, ownTags]);
    const isKnown = known !== undefined && known.label === label && content.equals(known.content);
    tell({ kind: 'document', isKnown, content, modifiedMs, name, label, ownTags, tags });
    if (!isKnown) await tellAll(entries);
    tell({ kind: 'end' });
  } finally {
    source.close();
  }
}

async function tellAll(all: Document['entries']): Promise<void> {
  let entries: Entry[] = [];
  let characters = 0;
  for (const entry of all) {
    entries.push(entry);
    characters += entry.text.length;
    if (entries.length < ENTRIES_PER_BATCH && characters < CHARACTERS_PER_BATCH) continue;
    await tellSome(entries);
    entries = [];
    characters = 0;
  }
  if (entries.length > 0) await tellSome(entries);
}

async function tellSome(entries: readonly Entry[]): Promise<void> {
  while (credits === 0)
    await new Promise<void>((resolve) => {
      onCredit = resolve;
    });
  credits--;
  tell({ kind: 'entries', entries });
}
