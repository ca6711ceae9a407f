/** A model behind HTTP: Ollama's `/api/embed`, or `/embeddings` as OpenAI has it and many servers after it. */
import { type Embedder, EmbedderError, type EmbedderOptions } from './embedder.ts';

type HttpOptions = Extract<EmbedderOptions, { kind: 'ollama' | 'openai' }>;

const TIMEOUT_MS = 30_000;
const DIMENSIONS_MAX = 8_192;

export function httpEmbedder(options: HttpOptions): Embedder {
  const { kind, url, model } = options;
  const base = url.replace(/\/+$/, '');
  const address = kind === 'ollama' ? `${base}/api/embed` : `${base}/embeddings`;
  const headers: Record<string, string> = { 'content-type': 'application/json' };
  if (kind === 'openai' && options.key !== undefined) headers.authorization = `Bearer ${options.key}`;
  return {
    model: `${kind}:${model}`,
    embed: async (text, signal) => {
      const answer = await post(address, headers, JSON.stringify({ model, input: text }), signal);
      const vector = vectorIn(answer);
      if (vector === undefined)
        throw new EmbedderError(`${new URL(address).host} answered without an embedding`);
      return vector;
    },
  };
}

async function post(
  address: string,
  headers: Record<string, string>,
  body: string,
  gone: AbortSignal | undefined,
): Promise<unknown> {
  const deadline = AbortSignal.timeout(TIMEOUT_MS);
  const signal = gone === undefined ? deadline : AbortSignal.any([gone, deadline]);
  const host = new URL(address).host;
  let response: Response;
  try {
    response = await fetch(address, { method: 'POST', headers, body, signal });
  } catch (error) {
    throw new EmbedderError(`${host} does not answer`, { cause: error });
  }
  if (!response.ok) throw new EmbedderError(`${host} answered with status ${response.status}`);
  try {
    return await response.json();
  } catch (error) {
    throw new EmbedderError(`${host} did not answer with JSON`, { cause: error });
  }
}

/** `{embeddings: [[…]]}` of Ollama, or `{data: [{embedding: […]}]}`. */
function vectorIn(answer: unknown): number[] | undefined {
  const { embeddings, data } = (answer ?? {}) as { embeddings?: unknown; data?: unknown };
  const vector: unknown = Array.isArray(embeddings)
    ? embeddings[0]
    : Array.isArray(data)
      ? (data[0] as { embedding?: unknown } | undefined)?.embedding
      : undefined;
  const isVector =
    Array.isArray(vector) &&
    vector.length > 0 &&
    vector.length <= DIMENSIONS_MAX &&
    vector.every((one) => Number.isFinite(one));
  return isVector ? (vector as number[]) : undefined;
}
