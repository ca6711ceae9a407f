/** Random groups full of claims: with threads, evidence, retractions, doubles and every script, from a seed. */
import { commitBatchOf, headAfter } from '../../actors/chain/commit.ts';
import { sha256 } from '../../crypto/hash.ts';
import { type Hex32, toHex } from '../../events/bytes.ts';
import { encodeClaim } from '../../events/claim-artifact.ts';
import type { Operation } from '../../events/registry.ts';
import { type MemoryGroup, memoryGroup } from '../../storage/memory.ts';
import type { GroupReader, Head } from '../../storage/port.ts';
import type { Embedder } from '../../views/meaning/embedder.ts';
import { termsOf } from '../../views/tokens.ts';
import { alice, bob, founder } from './people.ts';
import { by, joined, opened } from './rules.ts';
import { World } from './world.ts';

const WORDS = 'ant bee cat dog eel fox gnu hen проверка данные 验证 输入 مدخلات 🚀 crème Straße'.split(' ');

interface Knowledge {
  readonly world: World;
  readonly store: MemoryGroup;
  readonly claims: readonly Hex32[];
}

/** A group with `count` claims; `random(below)` draws. */
export async function randomKnowledge(random: (below: number) => number, count: number): Promise<Knowledge> {
  const world = new World();
  for (const step of [opened(), joined(alice), joined(bob)]) step(world);
  const claims: Hex32[] = [];
  const retracted = new Set<Hex32>();
  const artifacts: { hash: Hex32; bytes: Uint8Array }[] = [];
  const pick = <T>(from: readonly T[]): T => from[random(from.length)]!;
  for (let at = 0; at < count; at++) {
    const bytes = encodeClaim({
      text: Array.from({ length: 1 + random(8) }, () => pick(WORDS)).join(' '),
      tags: random(3) === 0 ? [pick(['red', 'blue'])] : [],
      createdMs: at,
      parent: claims.length > 0 && random(2) === 0 ? pick(claims) : undefined,
      evidence: claims.length > 0 ? [...new Set(Array.from({ length: random(4) }, () => pick(claims)))] : [],
    });
    const claim = toHex(sha256(bytes));
    const content = JSON.parse(new TextDecoder().decode(bytes)) as Record<string, never>;
    const {
      tags,
      parent,
      evidence = [],
    } = content as unknown as Omit<Extract<Operation, { type: 'claim' }>, 'type'>;
    by(pick([alice, bob, founder]), { type: 'claim', artifact: claim, parent, evidence, tags })(world);
    claims.push(claim);
    artifacts.push({ hash: claim, bytes });
    if (random(3) > 0) continue;
    const turned = pick(claims);
    const type = retracted.delete(turned) ? 'reinstate' : 'retract';
    if (type === 'retract') retracted.add(turned);
    by(founder, { type, claim: turned, reason: undefined })(world);
  }
  return { world, store: await stored(world, artifacts), claims };
}

async function stored(world: World, artifacts: { hash: Hex32; bytes: Uint8Array }[]): Promise<MemoryGroup> {
  const store = memoryGroup(world.groupId);
  const { finals } = world.chain;
  let head: Head | undefined;
  for (const final of finals) head = headAfter(head, final);
  await store.commit({ ...commitBatchOf(finals, head!, []), artifacts });
  return store;
}

/** The group as it was when it had its blocks up to `height`. */
export function upTo(store: GroupReader, height: number): GroupReader {
  const head = { ...store.head()!, height, blockId: store.blockId(height)! };
  return new Proxy(store, {
    get: (target, property) => {
      if (property === 'head') return () => head;
      if (property === 'blocks') return (from: number) => target.blocks(from, height + 1);
      const value: unknown = Reflect.get(target, property);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

/** A model of 64 dimensions that knows nothing but letters: the same text has the same vector, and no wait. */
export const letterEmbedder: Embedder = {
  model: 'letters',
  embed: (text) => {
    const vector = new Array<number>(64).fill(0.5);
    for (const term of termsOf(text))
      for (const character of term) vector[character.codePointAt(0)! % 64]! += 1;
    return Promise.resolve(vector);
  },
};
