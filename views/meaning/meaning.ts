/**
 * The model in use: loaded when it is first needed, asked again after a while when it failed. Claims are embedded one
 * by one in the background; a failure of the model never fails an answer.
 */
import type { GroupFile } from '../group-file.ts';
import { embedNext } from '../indexer.ts';
import {
  type Embedder,
  EmbedderError,
  type EmbedderOptions,
  embeddedPart,
  loadEmbedder,
} from './embedder.ts';
import { quantise } from './vector-index.ts';

const RETRY_MS_MIN = 1_000;
const RETRY_MS_MAX = 60_000;

export class Meaning {
  readonly #options: EmbedderOptions;
  #loading: Promise<Embedder | undefined> | undefined;
  #unavailable: string | undefined;
  #retryMs = RETRY_MS_MIN;
  #retryAtMs = 0;

  constructor(options: EmbedderOptions) {
    this.#options = options;
    if (options.kind === 'none') this.#unavailable = 'search by meaning is turned off';
  }

  /** Why there is no search by meaning at present, if there is none. */
  get unavailable(): string | undefined {
    return this.#unavailable;
  }

  /** Whether it is too early to ask the model again. */
  get isResting(): boolean {
    return this.#options.kind === 'none' || performance.now() < this.#retryAtMs;
  }

  /** The vector of a query, as claims' are kept; nothing where there is no model, or none of its language. */
  async vectorOf(file: GroupFile, query: string): Promise<Int8Array | undefined> {
    const part = embeddedPart(query);
    if (part === '') return undefined;
    return this.#with(async (embedder) => {
      file.useModel(embedder.model);
      if (embedder.reads?.(part) === false) return undefined;
      return quantise(await embedder.embed(part));
    });
  }

  /** Embeds a claim of a group that has no vector yet; says whether there was one. */
  async embedNext(file: GroupFile): Promise<boolean> {
    const done = await this.#with((embedder) => {
      file.useModel(embedder.model);
      return embedNext(file, embedder);
    });
    return done ?? false;
  }

  async #with<T>(use: (embedder: Embedder) => Promise<T>): Promise<T | undefined> {
    if (this.isResting) return undefined;
    try {
      this.#loading ??= loadEmbedder(this.#options);
      const embedder = await this.#loading;
      if (embedder === undefined) return undefined;
      const result = await use(embedder);
      this.#unavailable = undefined;
      this.#retryMs = RETRY_MS_MIN;
      return result;
    } catch (error) {
      if (!(error instanceof EmbedderError)) throw error;
      this.#unavailable = error.message;
      this.#loading = undefined;
      this.#retryAtMs = performance.now() + this.#retryMs;
      this.#retryMs = Math.min(2 * this.#retryMs, RETRY_MS_MAX);
      return undefined;
    }
  }
}
