/** The vectors of verdicts: the order of checks, proofs, artifacts and export files, each judged by the product. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { audit } from '../../actors/history/audit.ts';
import { ExportFileError, openExport } from '../../actors/history/export-file.ts';
import { sha256 } from '../../crypto/hash.ts';
import { InlineVerifier } from '../../crypto/inline-verifier.ts';
import { verifySignature } from '../../crypto/verify.ts';
import { claimFault } from '../../events/artifact.ts';
import { fromHex, type Hex32, toHex } from '../../events/bytes.ts';
import { encode } from '../../events/codec.ts';
import { verifyConsistencyProof, verifyProof } from '../../events/proof.ts';
import { refusalCodec } from '../../events/refusal-codec.ts';
import type { Refusal } from '../../events/refusals.ts';
import { follow, judgeBytes, worldOf } from '../support/blocks.ts';
import type { Json } from '../support/field-json.ts';
import type { VectorFile } from '../support/vectors/entries.ts';
import { longClaim } from '../support/vectors/files.ts';
import { takes, type WireKind } from '../support/vectors/wire.ts';
import { MemoryChain } from '../support/world.ts';

const read = (name: string) =>
  (JSON.parse(readFileSync(new URL(`./v1/${name}.json`, import.meta.url), 'utf8')) as VectorFile).entries.map(
    (entry) => [entry.name, entry] as const,
  );
const bytes = (value: Json | undefined): Uint8Array => fromHex(value as string);

describe('wire', () => {
  it.each(read('wire'))('%s', (_, entry) => {
    expect(takes(entry.kind as WireKind, entry.bytes as string) ? 'taken' : 'refused').toBe(entry.verdict);
  });
});

describe('payloads', () => {
  const codes = new Map(read('refusals'));

  it.each(read('payloads'))('%s', async (code, entry) => {
    const { setup, block, transaction, blockTimeMs } = codes.get(code)!;
    const blocks = (setup as string[]).map(fromHex);
    const world = await worldOf(blocks);
    world.nowMs = blockTimeMs as number;
    const judged =
      block === undefined ? judgeBytes(world, bytes(transaction)) : follow(world.chain, bytes(block));
    const refusal = (await judged) as Refusal;
    expect(toHex(encode(refusalCodec, refusal))).toBe(entry.hex);
  });
});

describe('order', () => {
  it.each(read('order'))('%s', async (_, entry) => {
    const setup = (entry.setup as string[]).map(fromHex);
    if (entry.block !== undefined) {
      const chain = new MemoryChain((entry.groupId ?? undefined) as Hex32 | undefined);
      for (const block of setup) expect(await follow(chain, block)).not.toHaveProperty('code');
      expect(await follow(chain, bytes(entry.block))).toMatchObject({ code: entry.code });
      return;
    }
    const world = await worldOf(setup);
    world.nowMs = entry.blockTimeMs as number;
    expect(await judgeBytes(world, bytes(entry.transaction))).toMatchObject({ code: entry.code });
  });
});

describe('proofs', () => {
  const crypto = { sha256, verifySignature };

  it.each(read('proofs'))('%s', (_, entry) => {
    const asked = entry.asked as { groupId?: Hex32; headBlockId?: Hex32; oldBlockId?: Hex32 };
    const verify = entry.kind === 'proof' ? verifyProof : verifyConsistencyProof;
    const verdict = verify(bytes(entry.bytes), crypto, asked);
    expect(verdict.status === 'invalid' ? verdict.reason : verdict.status).toBe(entry.verdict);
  });
});

describe('artifacts', () => {
  it.each(read('artifacts'))('%s', (_, entry) => {
    const { tags, evidence } = entry.reference as { tags: string[]; evidence: Hex32[] };
    const fault = claimFault(bytes(entry.bytes), { tags, evidence, parent: undefined });
    expect(fault ?? null).toBe(entry.fault);
  });
});

describe('export files', () => {
  const folder = mkdtempSync(join(tmpdir(), 'vectors-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const verifier = new InlineVerifier();

  async function verdictOf(file: Uint8Array, groupId: Hex32 | undefined): Promise<unknown> {
    const path = join(folder, 'file');
    writeFileSync(path, file);
    try {
      using source = openExport(path, groupId === undefined ? {} : { groupId });
      const result = await audit(source, { verifier });
      if (result.status === 'sound') return null;
      const { finding } = result;
      const { height, check } = finding;
      if (finding.check === 'refused') return { height, check, code: finding.refusal.code };
      if (finding.check === 'file') return { height, check, code: finding.code };
      return finding.check === 'artifact_unfit' ? { height, check, code: finding.fault } : { height, check };
    } catch (error) {
      if (error instanceof ExportFileError) return error.code;
      throw error;
    }
  }

  it.each(read('exports'))('%s', async (_, entry) => {
    expect(await verdictOf(bytes(entry.file), (entry.groupId ?? undefined) as Hex32 | undefined)).toEqual(
      entry.verdict,
    );
  });

  it('a claim of one byte more than it may have', async () => {
    expect(await verdictOf(longClaim(), undefined)).toEqual({
      height: 1,
      check: 'artifact_unfit',
      code: 'too_long',
    });
  });
});
