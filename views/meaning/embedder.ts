/**
 * The port of embedding models: a text in, a direction out. Which model it was is part of what is stored, since
 * vectors of two models have nothing to say to each other.
 */

/** Where meaning comes from. Data, so that it can be handed to the thread. */
export type EmbedderOptions =
  /** The Universal Sentence Encoder from its npm package, in this process, without a network. English. */
  | { readonly kind: 'builtin' }
  /** An Ollama server; `url` such as `http://host:11434`. */
  | { readonly kind: 'ollama'; readonly url: string; readonly model: string }
  /** A server that speaks OpenAI's API; `url` up to and with `/v1`. */
  | { readonly kind: 'openai'; readonly url: string; readonly model: string; readonly key?: string }
  /** Search by words alone. */
  | { readonly kind: 'none' };

/** A loaded model. */
export interface Embedder {
  /** Names the model and its version. */
  readonly model: string;
  /** Whether it was made for the language of a text, as far as its script tells; any text, if not given. */
  reads?(text: string): boolean;
  /**
   * The direction that `text` points to; any length of text, any norm. Rejects with `EmbedderError`.
   * @param signal ends the wait for a model that is elsewhere
   */
  embed(text: string, signal?: AbortSignal): Promise<ArrayLike<number>>;
}

/** The model is not there, or does not answer. Words still work without it. */
export class EmbedderError extends Error {
  override readonly name = 'EmbedderError';
  readonly code = 'embedder_unavailable';
}

/**
 * How much of a text a model reads, in UTF-16 units: about three pages of a paper's abstract. The cost grows with the
 * square of it, and a model of sentences tells no more from the rest.
 */
export const EMBEDDED_LENGTH_MAX = 2_048;

/** The beginning of a text that is embedded; empty where there is nothing to embed. */
export function embeddedPart(text: string): string {
  return text.slice(0, EMBEDDED_LENGTH_MAX).toWellFormed().trim();
}

/** The model that `options` name, loaded; nothing for `none`. @throws EmbedderError */
export async function loadEmbedder(options: EmbedderOptions): Promise<Embedder | undefined> {
  switch (options.kind) {
    case 'none':
      return undefined;
    case 'builtin': {
      const { loadSentenceEncoder } = await import('./sentence-encoder.ts');
      return loadSentenceEncoder();
    }
    default: {
      const { httpEmbedder } = await import('./http-embedder.ts');
      return httpEmbedder(options);
    }
  }
}
