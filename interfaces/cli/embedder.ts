/** `LB_EMBEDDER`: where the search by meaning has its model from. */
import { UsageError } from '../../actors/errors.ts';
import type { EmbedderOptions } from '../../views/meaning/embedder.ts';

const REMOTE = /^(ollama|openai):(.+)@(https?:\/\/\S+)$/;

/**
 * `builtin` (also if it is not set), `none`, `ollama:MODEL@URL` or `openai:MODEL@URL`; for the last one
 * `LB_EMBEDDER_KEY` is the key of the service.
 */
export function embedderFrom(env: NodeJS.ProcessEnv): EmbedderOptions {
  const text = env.LB_EMBEDDER || 'builtin';
  if (text === 'builtin' || text === 'none') return { kind: text };
  const [, kind, model, url] = REMOTE.exec(text) ?? [];
  if (kind === undefined || model === undefined || url === undefined || !URL.canParse(url))
    throw new UsageError(
      `LB_EMBEDDER ${text}: expected builtin, none, ollama:MODEL@URL or openai:MODEL@URL (URL with http:// or https://)`,
    );
  if (kind === 'ollama') return { kind, model, url };
  const key = env.LB_EMBEDDER_KEY;
  return { kind: 'openai', model, url, ...(key === undefined ? {} : { key }) };
}
