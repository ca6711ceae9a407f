/** Whether a thing has the tags that somebody looks for. */
import { isSameName } from '../../events/normal-form.ts';

/** Tags count in their normal form: whoever looks for `Rust` means `rust` too. */
export function hasTags(thing: { readonly tags: readonly string[] }, tags: readonly string[]): boolean {
  return tags.every((tag) => thing.tags.some((one) => isSameName(one, tag)));
}
