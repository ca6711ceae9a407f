/** Vectors of artifacts and of export files: which of them are sound, and what the others are unsound for. */
import { sha256 } from '../../../crypto/hash.ts';
import { concatBytes, fromHex, type Hex32, toHex, utf8, ZERO_ID } from '../../../events/bytes.ts';
import { encodeClaim } from '../../../events/claim-artifact.ts';
import { CLAIM_ARTIFACT_BYTES_MAX } from '../../../events/limits.ts';
import type { Operation } from '../../../events/registry.ts';
import { forgeBlock, spoil } from '../blocks.ts';
import { assembleExport, type ExportParts } from '../export-file.ts';
import { profileSet } from '../operations.ts';
import { founder, hashOf, stranger } from '../people.ts';
import { by, given, opened } from '../rules.ts';
import { START_MS, type World } from '../world.ts';
import type { Entry, VectorFile } from './entries.ts';

const evidence = hashOf('evidence');
const TAGS = ['ä', 'b'];
const FIELDS = `"text":"it is","tags":["ä","b"],"created_ms":${START_MS},"evidence":["${evidence}"]`;
const [tagged, cited] = [FIELDS.replace('"b"', '"c"'), FIELDS.replace(evidence, hashOf('other'))];

/** The artifact of a claim with the tags ä and b and one piece of evidence, and its fault. */
const CLAIMS: [name: string, json: string | Uint8Array, fault?: string][] = [
  ['as it is written', `{"v":1,${FIELDS}}`],
  ['in another order, with whitespace', `\t{ ${FIELDS} ,\r\n"v" : 1 }\n`],
  ['with members that nobody knows', `{"v":1,${FIELDS},"x":{"y":[null,[[1e999]]]},"":0}`],
  ['a member twice: the last counts', `{"v":2,"text":7,${FIELDS},"v":1}`],
  ['a member twice, the last of which is wrong', `{"v":1,${FIELDS},"text":""}`, 'not_a_claim'],
  ['v is 1.0', `{"v":1.0,${FIELDS}}`],
  ['v is 10e-1', `{"v":10e-1,${FIELDS}}`],
  ['v is "1"', `{"v":"1",${FIELDS}}`, 'not_a_claim'],
  ['v is 2', `{"v":2,${FIELDS}}`, 'not_a_claim'],
  ['no v', `{${FIELDS}}`, 'not_a_claim'],
  ['a time with an exponent', `{"v":1,${FIELDS.replace(`${START_MS}`, '1.7e12')}}`],
  ['a time of minus zero', `{"v":1,${FIELDS.replace(`${START_MS}`, '-0')}}`],
  ['a time with a half', `{"v":1,${FIELDS.replace(`${START_MS}`, '1.5')}}`, 'not_a_claim'],
  [
    'a time with a fraction that rounds away',
    `{"v":1,${FIELDS.replace(`${START_MS}`, '1.00000000000000001')}}`,
  ],
  ['a negative time', `{"v":1,${FIELDS.replace(`${START_MS}`, '-1')}}`, 'not_a_claim'],
  ['the last time', `{"v":1,${FIELDS.replace(`${START_MS}`, '8640000000000000')}}`],
  ['a later time', `{"v":1,${FIELDS.replace(`${START_MS}`, '8640000000000001')}}`, 'not_a_claim'],
  ['a number with a leading zero', `{"v":01,${FIELDS}}`, 'not_a_claim'],
  ['a byte order mark', `\ufeff{"v":1,${FIELDS}}`, 'not_a_claim'],
  ['an array', `[1,{"v":1}]`, 'not_a_claim'],
  ['null', 'null', 'not_a_claim'],
  [
    'bytes that are no UTF-8',
    concatBytes(utf8(`{"v":1,${FIELDS},"x":"`), Uint8Array.of(0xff), utf8('"}')),
    'not_a_claim',
  ],
  ['a byte follows', `{"v":1,${FIELDS}}x`, 'not_a_claim'],
  ['half a surrogate pair in the text', `{"v":1,${FIELDS.replace('it is', '\\ud800')}}`, 'not_a_claim'],
  ['half a surrogate pair in what is ignored', `{"v":1,${FIELDS},"x":"\\ud800"}`],
  ['a zero in the text', `{"v":1,${FIELDS.replace('it is', '\\u0000')}}`, 'not_a_claim'],
  ['parent is null', `{"v":1,${FIELDS},"parent":null}`, 'not_a_claim'],
  ['evidence is null', `{"v":1,"text":"x","tags":["ä","b"],"created_ms":0,"evidence":null}`, 'not_a_claim'],
  [
    'evidence is an empty list',
    `{"v":1,"text":"x","tags":["ä","b"],"created_ms":0,"evidence":[]}`,
    'contradicts_operation',
  ],
  ['no evidence', `{"v":1,"text":"x","tags":["ä","b"],"created_ms":0}`, 'contradicts_operation'],
  ['an id in capitals', `{"v":1,${FIELDS.replace(evidence, evidence.toUpperCase())}}`, 'not_a_claim'],
  ['the same tag twice', `{"v":1,${FIELDS.replace('"b"', '"ä"')}}`, 'not_a_claim'],
  ['another tag', `{"v":1,${tagged}}`, 'contradicts_operation'],
  ['tags in another order', `{"v":1,${FIELDS.replace('"ä","b"', '"b","ä"')}}`, 'contradicts_operation'],
  ['a tag that is composed otherwise', `{"v":1,${FIELDS.replace('ä', 'a\u0308')}}`, 'contradicts_operation'],
  ['other evidence', `{"v":1,${cited}}`, 'contradicts_operation'],
  ['a parent', `{"v":1,${FIELDS},"parent":"${evidence}"}`, 'contradicts_operation'],
  ['any bytes', Uint8Array.of(0, 1, 2), 'not_a_claim'],
  ['no bytes', new Uint8Array(0), 'not_a_claim'],
];

export function artifactVectors(): VectorFile {
  const reference = { tags: TAGS, parent: null, evidence: [evidence] };
  const entries = CLAIMS.map(([name, json, fault]): Entry => {
    const bytes = typeof json === 'string' ? utf8(json) : json;
    return { name, comment: fault ?? 'a claim', bytes: toHex(bytes), reference, fault: fault ?? null };
  });
  return {
    comment:
      'Artifacts of a claim whose operation has these tags, parent and evidence, and which fault each has.',
    entries,
  };
}

const EXPERIENCE = utf8('what an agent did');
const CLAIM = encodeClaim({
  text: 'it is',
  tags: TAGS,
  createdMs: START_MS,
  parent: undefined,
  evidence: [],
});
const JUNK = utf8('not a claim at all');
const LONG = new Uint8Array(CLAIM_ARTIFACT_BYTES_MAX + 1).fill(0x20);

const artifact = (bytes: Uint8Array) => ({ hash: sha256(bytes), bytes });
const inOrder = (...all: Uint8Array[]) =>
  all.map(artifact).sort((a, b) => (toHex(a.hash) < toHex(b.hash) ? -1 : 1));
const claimOf = (bytes: Uint8Array, tags: readonly string[] = TAGS): Operation => ({
  type: 'claim',
  artifact: toHex(sha256(bytes)),
  parent: undefined,
  evidence: [],
  tags,
});

/** A group of three blocks with a claim of these bytes and an experience, as it would be exported. */
function groupWith(claim: Operation): { world: World; parts: Omit<ExportParts, 'artifacts'> } {
  const experience: Operation = { type: 'experience', artifact: toHex(sha256(EXPERIENCE)) };
  const { world } = given(opened(), by(founder, claim), by(founder, experience));
  return { world, parts: { groupId: world.groupId, blocks: world.chain.blocks } };
}

type Verdict = { readonly height: number; readonly check: string; readonly code?: string } | string | null;

export function exportVectors(): VectorFile {
  const entries: Entry[] = [];
  const add = (name: string, file: Uint8Array, verdict: Verdict, groupId: Hex32 | null = null): void => {
    entries.push({ name, comment: JSON.stringify(verdict), file: toHex(file), groupId, verdict });
  };
  const { world, parts } = groupWith(claimOf(CLAIM));
  const artifacts = inOrder(CLAIM, EXPERIENCE);
  const file = (changes: Partial<ExportParts> = {}) => assembleExport({ ...parts, artifacts, ...changes });
  const whole = file();
  add('sound', whole, null);
  add('sound, and of the group that is asked for', whole, null, world.groupId);
  addContainers(add, whole, file);
  addChains(add, file, parts.blocks, world);
  addArtifacts(add, file, artifacts);
  return {
    comment:
      'Export files: the bytes, the group that is asked for (null: none), and null where the file is sound, else why it is not: the code of the file, or the check with its height and the code of a refusal or the fault.',
    entries,
  };
}

type Add = (name: string, file: Uint8Array, verdict: Verdict, groupId?: Hex32) => void;
type Make = (changes?: Partial<ExportParts>) => Uint8Array;

function addContainers(add: Add, whole: Uint8Array, file: Make): void {
  add('no bytes', new Uint8Array(0), 'not_an_export');
  add('the beginning of the first eight bytes', utf8('LBGR'), 'truncated');
  add('a later version', concatBytes(utf8('LBGROUP2'), whole.subarray(8)), 'newer_version');
  add('a version that is no digit', concatBytes(utf8('LBGROUPA'), whole.subarray(8)), 'not_an_export');
  add('version 0', concatBytes(utf8('LBGROUP0'), whole.subarray(8)), 'not_an_export');
  add('cut off', whole.subarray(0, -1), 'truncated');
  add('a byte more', concatBytes(whole, Uint8Array.of(0)), 'truncated');
  add('another group is asked for', whole, 'other_group', hashOf('another'));
  add('the zero id is asked for', whole, 'other_group', ZERO_ID);
  add(
    'another group is asked for and the counts are wrong',
    spoil(whole, -33 - 8),
    'malformed',
    hashOf('another'),
  );
  add(
    'the header is too long',
    concatBytes(whole.subarray(0, 9), fromHex('00000041'), whole.subarray(13)),
    'malformed',
  );
  const last = { height: 2, check: 'file' };
  add('another checksum', spoil(whole, -1), { ...last, code: 'checksum_mismatch' });
  add('an artifact more than there are', spoil(whole, -33), { ...last, code: 'malformed' });
  const reversed = file({ artifacts: inOrder(CLAIM, EXPERIENCE).reverse() });
  add('artifacts out of order', reversed, { ...last, code: 'malformed' });
  const twice = inOrder(CLAIM, EXPERIENCE).flatMap((one) => [one, one]);
  add('artifacts twice', file({ artifacts: twice }), { ...last, code: 'malformed' });
}

function addChains(add: Add, file: Make, blocks: readonly Uint8Array[], world: World): void {
  const refused = (height: number, code: string): Verdict => ({ height, check: 'refused', code });
  add('the header names the zero id', file({ groupId: ZERO_ID }), refused(0, 'block_wrong_group'));
  add(
    'the header names the zero id, which is asked for',
    file({ groupId: ZERO_ID }),
    refused(0, 'block_wrong_group'),
    ZERO_ID,
  );
  add(
    'the header names another group',
    file({ groupId: hashOf('another') }),
    refused(0, 'block_wrong_group'),
  );
  add('no block 0', file({ blocks: blocks.slice(1) }), refused(0, 'block_height_gap'));
  add('block 0 twice', file({ blocks: [blocks[0]!, ...blocks] }), refused(1, 'block_height_gap'));
  add(
    'blocks exchanged',
    file({ blocks: [blocks[0]!, blocks[2]!, blocks[1]!] }),
    refused(1, 'block_height_gap'),
  );
  const forged = forgeBlock(world, {
    signer: stranger,
    transactions: [world.transaction(founder, [profileSet('x')]).bytes],
  });
  add('a block of nobody', file({ blocks: [...blocks, forged] }), refused(3, 'block_wrong_sealer'));
  const both = file({ blocks: [...blocks, forged], artifacts: [] });
  add('a block of nobody, and no artifacts', both, refused(3, 'block_wrong_sealer'));
}

function addArtifacts(add: Add, file: Make, artifacts: ExportParts['artifacts']): void {
  const missing = { height: 1, check: 'artifact_missing' };
  add('no artifacts', file({ artifacts: [] }), missing);
  const changed = artifacts.map(({ hash, bytes }) => ({ hash, bytes: spoil(bytes, 0) }));
  add('artifacts that are changed', file({ artifacts: changed }), { height: 1, check: 'artifact_mismatch' });
  const stray = inOrder(CLAIM, EXPERIENCE, JUNK);
  add('bytes that nothing names', file({ artifacts: stray }), { height: 2, check: 'artifact_stray' });
  add('bytes that nothing names, and one missing', file({ artifacts: inOrder(EXPERIENCE, JUNK) }), missing);
  const unfit = (code: string): Verdict => ({ height: 1, check: 'artifact_unfit', code });
  const of = (claim: Operation, bytes: Uint8Array) =>
    assembleExport({ ...groupWith(claim).parts, artifacts: inOrder(bytes, EXPERIENCE) });
  add('a claim that is none', of(claimOf(JUNK), JUNK), unfit('not_a_claim'));
  add('a claim with other tags', of(claimOf(CLAIM, ['c']), CLAIM), unfit('contradicts_operation'));
  add('a claim without bytes', of(claimOf(new Uint8Array(0)), new Uint8Array(0)), unfit('not_a_claim'));
  const long = assembleExport({ ...groupWith(claimOf(LONG)).parts, artifacts: [] });
  add('a claim that is missing, of a hash that too many bytes have', long, missing);
}

/** Too large for a file of vectors: a claim of one byte more than it may have. */
export const longClaim = (): Uint8Array =>
  assembleExport({ ...groupWith(claimOf(LONG)).parts, artifacts: inOrder(LONG, EXPERIENCE) });
