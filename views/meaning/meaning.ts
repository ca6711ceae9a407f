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
  #model: string | undefined;
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

  /**
   * The vector of a query, as claims' are kept; nothing where there is no model, or none of its language.
   * @param signal whoever asked is gone
   */
  async vectorOf(query: string, signal: AbortSignal): Promise<Int8Array | undefined> {
    const part = embeddedPart(query);
    if (part === '') return undefined;
    return this.#with(signal, async (embedder) =>
      embedder.reads?.(part) === false ? undefined : quantise(await embedder.embed(part, signal)),
    );
  }

  /** Has a file that is open drop what another model than the loaded one made. */
  prepare(file: GroupFile): void {
    if (this.#model !== undefined) file.useModel(this.#model);
  }

  /** Embeds a claim of a group that has no vector yet; says whether there was one. */
  async embedNext(file: GroupFile, signal: AbortSignal): Promise<boolean> {
    const done = await this.#with(signal, async (embedder) => {
      // Loading takes a while, in which files come and go.
      if (!file.isOpen) return true;
      file.useModel(embedder.model);
      return embedNext(file, embedder, signal);
    });
    return done ?? false;
  }

  async #with<T>(signal: AbortSignal, use: (embedder: Embedder) => Promise<T>): Promise<T | undefined> {
    if (this.isResting) return undefined;
    try {
      this.#loading ??= loadEmbedder(this.#options);
      const embedder = await this.#loading;
      if (embedder === undefined) return undefined;
      this.#model = embedder.model;
      const result = await use(embedder);
      this.#unavailable = undefined;
      this.#retryMs = RETRY_MS_MIN;
      return result;
    } catch (error) {
      if (!(error instanceof EmbedderError)) throw error;
      // It was not waited for long enough to tell.
      if (signal.aborted) return undefined;
      this.#unavailable = error.message;
      this.#loading = undefined;
      this.#retryAtMs = performance.now() + this.#retryMs;
      this.#retryMs = Math.min(2 * this.#retryMs, RETRY_MS_MAX);
      return undefined;
    }
  }
}
