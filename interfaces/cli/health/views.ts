/** The read models: their files, how far they are, and the model of the search by meaning. */
import { existsSync } from 'node:fs';
import type { BatteryNode } from '../../../node.ts';
import type { DirectoryLayout } from '../../../storage/directory.ts';
import { EmbedderError, type EmbedderOptions, loadEmbedder } from '../../../views/meaning/embedder.ts';
import { filePath } from '../../../views/paths.ts';
import { inspectViews, peekViews } from '../../../views/peek.ts';
import { count, shortId } from '../text.ts';
import { type Finding, ok, warning } from './finding.ts';

const MADE_AGAIN =
  'nothing: they are made again from the log with the next question, such as lb compile-context';

/**
 * Nothing here is ever critical: what is damaged is made again, and without a model words still find.
 * @param isDeep reads the files to their end, and asks the model for a vector
 */
export async function checkViews(
  node: BatteryNode,
  layout: DirectoryLayout,
  isDeep: boolean,
): Promise<Finding[]> {
  const findings: Finding[] = [];
  let blocks = 0;
  let made = 0;
  const ids = node.groupIds();
  for (const id of ids) {
    if (!existsSync(filePath(layout.views, id))) continue;
    const peeked = isDeep ? inspectViews(layout.views, id) : peekViews(layout.views, id);
    if (peeked === undefined) {
      findings.push(
        warning('views', `those of ${shortId(id)} are damaged or of another version`, MADE_AGAIN),
      );
      continue;
    }
    made++;
    blocks += Math.max(0, node.group(id).head.height - peeked.height);
  }
  if (findings.length === 0) {
    const behind = blocks === 0 ? 'up to date' : `${count(blocks, 'block')} behind`;
    findings.push(ok('views', made === 0 ? 'none yet' : `of ${count(made, 'group')}, ${behind}`));
  }
  return [...findings, await checkEmbedder(node.embedder, isDeep)];
}

async function checkEmbedder(embedder: EmbedderOptions, isDeep: boolean): Promise<Finding> {
  const check = 'embedder';
  if (embedder.kind === 'none') return ok(check, 'none: search goes by words alone');
  const name = embedder.kind === 'builtin' ? 'built in' : `${embedder.model} at ${embedder.url}`;
  if (!isDeep) return ok(check, `${name}; --deep asks it for a vector`);
  try {
    const { length } = await (await loadEmbedder(embedder))!.embed('ready?');
    return ok(check, `${name}, ${length} dimensions`);
  } catch (error) {
    if (!(error instanceof EmbedderError)) throw error;
    const message = `search goes by words alone: ${error.message}`;
    const advice =
      embedder.kind === 'builtin'
        ? 'install again with "npm ci" on this machine'
        : 'start that server, or choose another model with: lb config set embedder builtin';
    return warning(check, message, advice);
  }
}
