/** The 518 proof probes of transparency-dev/merkle, which every RFC 6962 verifier should judge alike. */
import { createHash } from 'node:crypto';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  verifyConsistency,
  verifyInclusion,
  verifySubtreeConsistency,
  verifySubtreeInclusion,
} from '../../events/merkle-verify.ts';

const sha256 = (bytes: Uint8Array): Uint8Array => createHash('sha256').update(bytes).digest();
const folder = new URL('../../../shared/vectors/rfc6962/testdata/', import.meta.url);

interface Probe {
  readonly leafIdx: number;
  readonly treeSize: number;
  readonly start: number;
  readonly end: number;
  readonly size: number;
  readonly size1: number;
  readonly size2: number;
  readonly leafHash: string;
  readonly root: string;
  readonly root1: string;
  readonly root2: string;
  readonly proof: readonly string[] | null;
  readonly desc: string;
  readonly wantErr: boolean;
}

const bytes = (base64: string): Uint8Array => Buffer.from(base64, 'base64');
const proofOf = (probe: Probe): Uint8Array[] => (probe.proof ?? []).map(bytes);

const VERDICTS: Record<string, { count: number; verify: (probe: Probe) => boolean }> = {
  inclusion: {
    count: 98,
    verify: (probe) =>
      verifyInclusion(
        {
          leafIndex: probe.leafIdx,
          treeSize: probe.treeSize,
          leafHash: bytes(probe.leafHash),
          proof: proofOf(probe),
          root: bytes(probe.root),
        },
        sha256,
      ),
  },
  consistency: {
    count: 98,
    verify: (probe) =>
      verifyConsistency(
        {
          oldSize: probe.size1,
          newSize: probe.size2,
          oldRoot: bytes(probe.root1),
          newRoot: bytes(probe.root2),
          proof: proofOf(probe),
        },
        sha256,
      ),
  },
  subtreeinclusion: {
    count: 204,
    verify: (probe) =>
      verifySubtreeInclusion(
        {
          leafIndex: probe.leafIdx,
          start: probe.start,
          end: probe.end,
          leafHash: bytes(probe.leafHash),
          proof: proofOf(probe),
          root: bytes(probe.root),
        },
        sha256,
      ),
  },
  subtreeconsistency: {
    count: 118,
    verify: (probe) =>
      verifySubtreeConsistency(
        {
          start: probe.start,
          end: probe.end,
          size: probe.size,
          subtreeRoot: bytes(probe.root1),
          root: bytes(probe.root2),
          proof: proofOf(probe),
        },
        sha256,
      ),
  },
};

describe('RFC 6962 probes', () => {
  for (const [set, { count, verify }] of Object.entries(VERDICTS)) {
    const path = new URL(`${set}/`, folder);
    it.skipIf(!existsSync(path))(`${set}: ${count} probes`, () => {
      const files = globSync('**/*.json', { cwd: path }).sort();
      const wrong = files.filter((file) => {
        const probe = JSON.parse(readFileSync(new URL(encodeURI(file), path), 'utf8')) as Probe;
        return verify(probe) === probe.wantErr;
      });
      expect(wrong).toEqual([]);
      expect(files.length).toBe(count);
    });
  }
});
