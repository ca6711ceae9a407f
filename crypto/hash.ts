/**
 * SHA-256 at the speed of the platform.
 *
 * A call into libsodium is cheap but its SHA-256 is portable C; OpenSSL's uses the processor's own
 * instructions but a call into it costs more. So small inputs (ids, tree nodes) go to the first and large
 * ones (artifacts, packages) to the second. Both give the same 32 bytes: this is only about time.
 */
import { createHash, hash } from 'node:crypto';
import { sodium } from './sodium.ts';

/**
 * Inputs shorter than this go to libsodium. Measured on the target machine, thousands of hashes a second
 * (libsodium, OpenSSL): 33 bytes 2,015 and 1,314; 65 bytes 1,463 and 1,229; 130 bytes 1,151 and 1,188;
 * 200 bytes 928 and 1,140; 1 KiB 266 and 642; 64 KiB 5 and 26. The lines cross at about 130 bytes. A
 * processor without SHA instructions would move the crossing to some kilobytes, and cost little here.
 */
const SODIUM_BELOW_BYTES = 128;

/** SHA-256 of `bytes` (any length): 32 new bytes. Keeps no reference to its argument. */
export function sha256(bytes: Uint8Array): Uint8Array {
  if (sodium === undefined || bytes.length >= SODIUM_BELOW_BYTES) return sha256OpenSsl(bytes);
  const digest = new Uint8Array(32);
  sodium.crypto_hash_sha256(digest, bytes);
  return digest;
}

/** SHA-256 through `node:crypto` whatever the length: the way without libsodium. */
export function sha256OpenSsl(bytes: Uint8Array): Uint8Array {
  return hash('sha256', bytes, 'buffer');
}

/** SHA-256 of bytes that come in pieces; its value is that of all pieces joined. */
export interface Sha256Stream {
  update(piece: Uint8Array): void;
  /** 32 bytes. Ends the stream: neither method may be called again. */
  digest(): Uint8Array;
}

/** Starts a hash over pieces, for files that should not be in memory as a whole. */
export function sha256Stream(): Sha256Stream {
  const hasher = createHash('sha256');
  return {
    update: (piece) => {
      hasher.update(piece);
    },
    digest: () => hasher.digest(),
  };
}
