/** What a request is made of. */
import type { Codec } from '../../events/codec.ts';

export function method<Q, A>(code: number, request: Codec<Q>, answer: Codec<A>) {
  return { code, request, answer };
}
