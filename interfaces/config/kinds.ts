/**
 * Kinds of values that a setting may have. Each knows two spellings: the text of a flag or of an environment
 * variable, and the JSON of the configuration file, where a number is a number and not a text that looks like one.
 */
import { isAbsolute, relative, resolve, sep } from 'node:path';
import type { EmbedderOptions } from '../../views/meaning/embedder.ts';

export interface Kind<T> {
  /** What is allowed, to stand after "must be". */
  readonly what: string;
  /** The value that a text stands for, or nothing. `base` is where relative paths start. */
  fromText(text: string, base: string): T | undefined;
  /** The value that a JSON value stands for, or nothing. */
  fromJson(value: unknown, base: string): T | undefined;
  /** What stands in the file for a value; the value itself, if there is no such function. */
  toJson?(value: T, base: string): unknown;
}

/** A whole number within bounds, both included. */
export function integer(min: number, max: number): Kind<number> {
  const within = (value: number): number | undefined =>
    Number.isSafeInteger(value) && value >= min && value <= max ? value : undefined;
  return {
    what: `a whole number from ${min} to ${max}`,
    fromText: (text) => (/^-?\d{1,15}$/.test(text) ? within(Number(text)) : undefined),
    fromJson: (value) => (typeof value === 'number' ? within(value) : undefined),
  };
}

const WORDS_OF_BOOLEANS: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['false', false],
  ['1', true],
  ['0', false],
]);

export const boolean: Kind<boolean> = {
  what: 'true or false',
  fromText: (text) => WORDS_OF_BOOLEANS.get(text.toLowerCase()),
  fromJson: (value) => (typeof value === 'boolean' ? value : undefined),
};

/** One of a few words. */
export function choice<const W extends string>(words: readonly W[]): Kind<W> {
  const known = (text: string): W | undefined => words.find((word) => word === text);
  return {
    what: `one of ${words.join(', ')}`,
    fromText: (text) => known(text.toLowerCase()),
    fromJson: (value) => (typeof value === 'string' ? known(value) : undefined),
  };
}

/** A path; a relative one starts where its setting stands: at the shell, or in the data directory. */
export const path: Kind<string> = {
  what: 'a path',
  fromText: (text, base) => (isPlain(text) ? resolve(base, text) : undefined),
  fromJson: (value, base) => (typeof value === 'string' && isPlain(value) ? resolve(base, value) : undefined),
  // What lies in the data directory is named from there: the directory can be moved, and restored elsewhere.
  toJson: (value, base) => {
    const below = relative(base, value);
    const isInside = below !== '..' && !below.startsWith(`..${sep}`) && !isAbsolute(below);
    return isInside ? below || '.' : value;
  },
};

/** A name or an address to listen on. */
export const host: Kind<string> = {
  what: 'a host name or an IP address',
  fromText: hostIn,
  fromJson: (value) => (typeof value === 'string' ? hostIn(value) : undefined),
};

/** Names or addresses of hosts, without ports; as text separated by commas. */
export const hosts: Kind<readonly string[]> = {
  what: 'a list of host names or IP addresses, without ports',
  fromText: (text) => hostsIn(text.split(',').map((one) => one.trim())),
  fromJson: (value) => (Array.isArray(value) ? hostsIn(value) : undefined),
};

/** Hosts that a list may name. */
const HOSTS_MAX = 64;

function hostsIn(values: readonly unknown[]): readonly string[] | undefined {
  const texts = values.filter(
    (one): one is string => typeof one === 'string' && /^[A-Za-z0-9._-]{1,253}$|^\[[0-9a-f:]+\]$/i.test(one),
  );
  const isSound = texts.length === values.length && texts.length <= HOSTS_MAX;
  return isSound ? texts.map(asRequested) : undefined;
}

/** As browsers and clients write it in a header: in small letters, an address in its short form. */
function asRequested(name: string): string {
  return URL.canParse(`http://${name}`) ? new URL(`http://${name}`).hostname : name;
}

/** Addresses of peers; as text separated by commas. */
export const addresses: Kind<readonly string[]> = {
  what: 'a list of addresses such as /ip4/192.0.2.1/tcp/4242/p2p/12D3KooW…',
  fromText: (text) => listIn(text.split(',').map((one) => one.trim())),
  fromJson: (value) => (Array.isArray(value) ? listIn(value) : undefined),
};

/** An address says who is there: addresses are hints, keys are identities. */
const PEER_ADDRESS = /^\/(ip4|ip6|dns[46]?)\/[\x21-\x2e\x30-\x7e]+\/tcp\/\d{1,5}\/p2p\/[A-Za-z0-9]+$/;

/** Peers that a list may name. */
const ADDRESSES_MAX = 64;

function listIn(values: readonly unknown[]): readonly string[] | undefined {
  const texts = values.filter((one): one is string => typeof one === 'string' && PEER_ADDRESS.test(one));
  return texts.length === values.length && texts.length <= ADDRESSES_MAX ? texts : undefined;
}

function hostIn(text: string): string | undefined {
  return /^[A-Za-z0-9.:_-]{1,253}$/.test(text) ? text : undefined;
}

function isPlain(text: string): boolean {
  return text !== '' && !text.includes('\0');
}

/** Where a server is found from outside: an origin, with a path where a proxy has one. */
export const webAddress: Kind<string> = {
  what: 'an address such as https://node.example.org, without a password, a query or a slash at the end',
  fromText: webAddressIn,
  fromJson: (value) => (typeof value === 'string' ? webAddressIn(value) : undefined),
};

function webAddressIn(text: string): string | undefined {
  return /^https?:\/\/[^/@?#\s]+(\/[^@?#\s]*[^@?#\s/])?$/.test(text) && URL.canParse(text) ? text : undefined;
}

/** A model for the search by meaning. It stays text, and `embedderOf` says what it stands for. */
export const embedder: Kind<string> = {
  what: 'builtin, none, ollama:MODEL@URL or openai:MODEL@URL, where URL begins with http:// or https://',
  fromText: (text) => (embedderOf(text) === undefined ? undefined : text),
  fromJson: (value) => (typeof value === 'string' && embedderOf(value) !== undefined ? value : undefined),
};

const EMBEDDER_ON_SERVER = /^(ollama|openai):([^@\s]+)@(https?:\/\/\S+)$/;

/**
 * The model that a text names, or nothing.
 * @param key of the server, for `openai:`
 */
export function embedderOf(text: string, key?: string): EmbedderOptions | undefined {
  if (text === 'builtin' || text === 'none') return { kind: text };
  const [, kind, model, url] = EMBEDDER_ON_SERVER.exec(text) ?? [];
  if (model === undefined || url === undefined || !URL.canParse(url)) return undefined;
  // A password would be printed with the address, wherever settings are shown.
  if (new URL(url).username !== '' || new URL(url).password !== '') return undefined;
  if (kind === 'ollama') return { kind, model, url };
  return { kind: 'openai', model, url, ...(key === undefined ? {} : { key }) };
}
