/**
 * Text without secrets, for a bundle that is sent to somebody else.
 *
 * Three nets, since each has holes: secrets that are known here (passwords given, keys that lie open in the key
 * store) are taken out wherever and however encoded they stand; what looks like a secret by its form (join codes,
 * tokens, private keys) goes whoever's it is; and what is called one by its name goes whatever it looks like.
 */

export const REDACTED = '[redacted]';

/** Names of things whose values nobody else shall see. */
const SECRET_NAME =
  /pass(word|phrase|wd)?|secret|token|credential|authorization|cookie|seed|mnemonic|api[-_]?key|private|_key$|Key$/i;

/** Shorter ones would be found all over; where they have a name, that takes them out. */
const KNOWN_LENGTH_MIN = 4;

const FORMS: readonly (readonly [pattern: RegExp, replacement: string])[] = [
  [/lbi1[A-Za-z0-9_-]{8,}/g, REDACTED],
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(-----END [A-Z ]*PRIVATE KEY-----|$)/g, REDACTED],
  [/\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]*)?/g, REDACTED],
  [/\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{4,}/gi, `$1 ${REDACTED}`],
  [/(:\/\/)[^/\s@"']+@/g, `$1${REDACTED}@`],
  [
    /(["']?\b[\w-]*(?:password|passphrase|passwd|secret|token|credential|authorization|cookie|seed|mnemonic|api[-_]?key)[\w-]*["']?\s*[:=]\s*)("(?:[^"\\]|\\.)*"|'[^']*'|[^\s,;}\]]+)/gi,
    `$1${REDACTED}`,
  ],
];

export class Redactor {
  private readonly known: readonly string[];

  /** @param secrets what is known to be secret: passwords as text, seeds in hex */
  constructor(secrets: Iterable<string>) {
    const long = [...secrets].filter((secret) => secret.length >= KNOWN_LENGTH_MIN);
    const forms = new Set(long.flatMap(encodingsOf));
    // The longest first, so that no part of one is left standing.
    this.known = [...forms].sort((a, b) => b.length - a.length);
  }

  /** The text, with everything secret taken out. */
  text(text: string): string {
    let clean = text;
    for (const secret of this.known) clean = clean.replaceAll(secret, REDACTED);
    for (const [pattern, replacement] of FORMS) clean = clean.replace(pattern, replacement);
    return clean;
  }

  /** A value of any depth: whole where its name says so, its texts otherwise. */
  value(value: unknown, name = ''): unknown {
    if (SECRET_NAME.test(name) && value !== null && typeof value !== 'boolean') return REDACTED;
    if (typeof value === 'string') return this.text(value);
    if (Array.isArray(value)) return value.map((one) => this.value(one));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, one]) => [this.text(key), this.value(one, key)]),
    );
  }
}

/** Whether a variable of that name holds a secret. */
export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name);
}

/** How a secret may stand in a text: as it is, in JSON, in a URL, in hex, in base64. */
function encodingsOf(secret: string): string[] {
  const bytes = Buffer.from(secret, 'utf8');
  const raw = /^([0-9a-f]{2}){16,}$/i.test(secret) ? Buffer.from(secret, 'hex') : undefined;
  return [
    secret,
    JSON.stringify(secret).slice(1, -1),
    encodeURIComponent(secret),
    ...[bytes, ...(raw === undefined ? [] : [raw])].flatMap((one) => [
      one.toString('hex'),
      one.toString('hex').toUpperCase(),
      one.toString('base64'),
      one.toString('base64').replace(/=+$/, ''),
      one.toString('base64url'),
    ]),
  ].filter((form) => form.length >= KNOWN_LENGTH_MIN);
}
