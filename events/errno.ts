/**
 * What the operating system's errors mean to a person: why it failed, and what can be done. One table for all rooms,
 * so that a full disk reads the same whether the key store, the database or an export met it, and no raw text of
 * the system (which names files that nobody asked for) gets through. It only knows the names of the errors.
 */

/** What was tried; `open` where nobody can say whether to read or to write. */
export type FileAction = 'read' | 'write' | 'make' | 'open';

/** What callers tell apart. */
export type SystemErrorKind = 'not_found' | 'exists' | 'not_a_file' | 'disk_full' | 'io';

interface Meaning {
  readonly kind: SystemErrorKind;
  readonly why: string;
  readonly next: string;
}

const ELSEWHERE = 'choose another place';
const MEANINGS: Readonly<Record<string, Meaning>> = {
  ENOENT: { kind: 'not_found', why: 'there is no such file or folder', next: 'check the path' },
  EEXIST: { kind: 'exists', why: 'it is there already, and was left as it is', next: 'choose another name' },
  EISDIR: { kind: 'not_a_file', why: 'it is a folder, not a file', next: 'name a file' },
  ENOTDIR: { kind: 'io', why: 'a part of its path is a file, not a folder', next: 'check the path' },
  ENOTEMPTY: { kind: 'io', why: 'it is a folder that holds something', next: ELSEWHERE },
  ENOSPC: { kind: 'disk_full', why: 'the disk is full', next: 'free some space and try again' },
  EDQUOT: {
    kind: 'disk_full',
    why: 'your share of the disk is used up',
    next: 'free some space and try again',
  },
  EFBIG: {
    kind: 'disk_full',
    why: 'files may not grow that large here',
    next: `raise the limit, or ${ELSEWHERE}`,
  },
  EROFS: { kind: 'io', why: 'the file system is read-only', next: `make it writable, or ${ELSEWHERE}` },
  EACCES: { kind: 'io', why: 'permission is denied', next: `check who may use it, or ${ELSEWHERE}` },
  EPERM: { kind: 'io', why: 'the system does not allow it', next: `check who may use it, or ${ELSEWHERE}` },
  EBUSY: { kind: 'io', why: 'the system itself is using it', next: `try again later, or ${ELSEWHERE}` },
  ETXTBSY: { kind: 'io', why: 'it is a program that is running', next: ELSEWHERE },
  ELOOP: { kind: 'io', why: 'its links lead in a circle', next: 'check the links' },
  ENAMETOOLONG: { kind: 'io', why: 'the path is too long', next: 'choose a shorter one' },
  EMFILE: { kind: 'io', why: 'too many files are open', next: 'raise the limit and try again' },
  ENFILE: { kind: 'io', why: 'too many files are open', next: 'end other programs and try again' },
  ENOMEM: { kind: 'io', why: 'there is not enough memory', next: 'end other programs and try again' },
  EAGAIN: { kind: 'io', why: 'nothing can be had from it right now', next: 'give a file instead' },
  EIO: { kind: 'io', why: 'the device failed', next: 'look at the disk and what the system logged about it' },
  EINVAL: { kind: 'io', why: 'it cannot be used in this way', next: ELSEWHERE },
};
/** A new file needs a folder, and not every folder takes one. */
const NO_PLACE: Meaning = {
  kind: 'not_found',
  why: 'the folder for it is not there, or takes nothing new',
  next: 'check the path',
};

/** The name of the system's error (`ENOSPC`), if `error` is one of the system's. */
export function errnoName(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('syscall' in error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' && /^E[A-Z0-9]+$/.test(error.code) ? error.code : undefined;
}

function meaningOf(name: string, action: FileAction): Meaning {
  if (name === 'ENOENT' && (action === 'write' || action === 'make')) return NO_PLACE;
  return MEANINGS[name] ?? { kind: 'io', why: `the system says ${name}`, next: `try again, or ${ELSEWHERE}` };
}

/** The kind of the system's error of that name. */
export function errnoKind(name: string): SystemErrorKind {
  return MEANINGS[name]?.kind ?? 'io';
}

/** Why something failed with the system's error of that name. */
export function errnoReason(name: string, action: FileAction): string {
  return meaningOf(name, action).why;
}

/** One line: what was tried on which path, why it failed, and what to do next. */
export function describeErrno(name: string, action: FileAction, path: string): string {
  const { why, next } = meaningOf(name, action);
  return `cannot ${action} ${path}: ${why}; ${next}`;
}
