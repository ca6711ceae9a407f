/**
 * A batch of signature jobs as one buffer, so that it changes threads by moving, not by copying.
 *
 * Request, integers little-endian:
 *
 *     u32 number of jobs | u32 length of the prefix | per job: u32 length of the payload, u8 well-formed
 *     per job: public key (32) | signature (64) | prefix | payload
 *
 * The prefix is repeated before every payload: the signed message then lies in one piece and the worker
 * checks it in place. A job whose key or signature has a wrong length is marked, and carries zeros instead:
 * the mark decides, because zeros are not harmless (by ZIP 215 an all-zero key and signature are valid for
 * every message).
 *
 * Answer: 32 bytes of id per job, then one byte of verdict per job.
 */
import { sha256 } from './hash.ts';
import type { SignatureJob, Verdicts } from './verifier.ts';
import { PUBLIC_KEY_BYTES, SIGNATURE_BYTES, verifySignature } from './verify.ts';

const ID_BYTES = 32;
const HEADER_BYTES = 8;
const ENTRY_BYTES = 5;
const WELL_FORMED = 1;

/** Packs `jobs[start..end)` into a new buffer. */
export function packBatch(
  prefix: Uint8Array,
  jobs: readonly SignatureJob[],
  start: number,
  end: number,
): ArrayBuffer {
  const count = end - start;
  let size = HEADER_BYTES + count * (ENTRY_BYTES + PUBLIC_KEY_BYTES + SIGNATURE_BYTES + prefix.length);
  for (let at = start; at < end; at++) size += jobs[at]!.payload.length;
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, count, true);
  view.setUint32(4, prefix.length, true);
  let entry = HEADER_BYTES;
  let body = HEADER_BYTES + count * ENTRY_BYTES;
  for (let at = start; at < end; at++) {
    const { payload, publicKey, signature } = jobs[at]!;
    view.setUint32(entry, payload.length, true);
    if (publicKey.length === PUBLIC_KEY_BYTES && signature.length === SIGNATURE_BYTES) {
      bytes[entry + 4] = WELL_FORMED;
      bytes.set(publicKey, body);
      bytes.set(signature, body + PUBLIC_KEY_BYTES);
    }
    entry += ENTRY_BYTES;
    body += PUBLIC_KEY_BYTES + SIGNATURE_BYTES;
    bytes.set(prefix, body);
    bytes.set(payload, body + prefix.length);
    body += prefix.length + payload.length;
  }
  return bytes.buffer;
}

/** Checks every job of a packed batch and returns the packed answer. */
export function verifyPackedBatch(request: ArrayBuffer): ArrayBuffer {
  const bytes = new Uint8Array(request);
  const view = new DataView(request);
  const count = view.getUint32(0, true);
  const prefixLength = view.getUint32(4, true);
  const answer = new Uint8Array(count * (ID_BYTES + 1));
  let entry = HEADER_BYTES;
  let body = HEADER_BYTES + count * ENTRY_BYTES;
  for (let at = 0; at < count; at++, entry += ENTRY_BYTES) {
    const message = body + PUBLIC_KEY_BYTES + SIGNATURE_BYTES;
    const payload = message + prefixLength;
    const end = payload + view.getUint32(entry, true);
    answer.set(sha256(bytes.subarray(payload, end)), at * ID_BYTES);
    const valid =
      bytes[entry + 4] === WELL_FORMED &&
      verifySignature(
        bytes.subarray(body, body + PUBLIC_KEY_BYTES),
        bytes.subarray(message, end),
        bytes.subarray(body + PUBLIC_KEY_BYTES, message),
      );
    answer[count * ID_BYTES + at] = valid ? 1 : 0;
    body = end;
  }
  return answer.buffer;
}

/** Appends a packed answer to `verdicts`. The ids are views into it, so they keep its few kilobytes alive. */
export function unpackAnswer(answer: ArrayBuffer, verdicts: Verdicts): void {
  const count = answer.byteLength / (ID_BYTES + 1);
  for (let at = 0; at < count; at++) verdicts.ids.push(new Uint8Array(answer, at * ID_BYTES, ID_BYTES));
  for (const verdict of new Uint8Array(answer, count * ID_BYTES)) verdicts.valid.push(verdict === 1);
}
