/**
 * Where push notifications may go. A caller names the address, and the node opens the connection: without care it
 * could be made to speak to what only it can reach. So a target has a public address, or the node's operator has
 * allowed others. The address is checked when the connection is made, and that very address is connected to: what a
 * name says later does not count. Redirects are not followed.
 */
import { lookup as lookUp } from 'node:dns';
import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';

const ANSWER_MS_MAX = 10_000;
const URL_CHARACTERS_MAX = 2_048;

/** A notification was not delivered, or its target is not allowed. */
export class PushTargetError extends Error {
  override readonly name = 'PushTargetError';
  readonly code: 'target_refused' | 'not_delivered';

  constructor(code: PushTargetError['code'], message: string) {
    super(message);
    this.code = code;
  }
}

export interface TargetPolicy {
  /** Loopback, private and other addresses that are not public, and connections that are not encrypted. */
  readonly arePrivateAllowed: boolean;
}

function isPublic(address: string): boolean {
  return isIP(address) !== 0 && ipaddr.process(address).range() === 'unicast';
}

/**
 * A target that may be tried.
 * @throws PushTargetError for any other
 */
export function parseTarget(text: string, { arePrivateAllowed }: TargetPolicy): URL {
  const refused = (why: string): PushTargetError => new PushTargetError('target_refused', why);
  const url = text.length <= URL_CHARACTERS_MAX && URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) throw refused('the target is no URL of https');
  if (url.username !== '' || url.password !== '')
    throw refused('the target has a password in its URL; give it as authentication');
  if (arePrivateAllowed) return url;
  if (url.protocol !== 'https:') throw refused('notifications go over https only');
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (isIP(host) !== 0 && !isPublic(host)) throw refused('the target is no public address');
  if (/(^|\.)(localhost|local|internal|home\.arpa)\.?$/i.test(host))
    throw refused('the target is no public name');
  return url;
}

/** Resolves names, and refuses those that lead to where no notification may go. */
const lookUpPublic: LookupFunction = (hostname, options, callback) => {
  lookUp(hostname, { ...options, all: true }, (error, addresses) => {
    if (error !== null) return callback(error, '', 0);
    const bad = addresses.find(({ address }) => !isPublic(address));
    if (bad !== undefined || addresses.length === 0) {
      const refusal = new PushTargetError(
        'target_refused',
        `${hostname} leads to an address that is not public`,
      );
      return callback(refusal, '', 0);
    }
    if (options.all) return callback(null, addresses);
    const [first] = addresses;
    return callback(null, first!.address, first!.family);
  });
};

export interface Notification {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/**
 * Sends a notification; resolves when the target has taken it.
 * @throws PushTargetError
 */
export function post(
  { url: text, headers, body }: Notification,
  policy: TargetPolicy,
  signal: AbortSignal,
): Promise<void> {
  const url = parseTarget(text, policy);
  const send = url.protocol === 'https:' ? requestHttps : requestHttp;
  const lookup = policy.arePrivateAllowed ? {} : { lookup: lookUpPublic };
  const ending = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS_MAX)]);
  return new Promise((resolve, reject) => {
    const failed = (why: string): void => reject(new PushTargetError('not_delivered', why));
    const length = { 'content-length': String(Buffer.byteLength(body)) };
    const request = send(url, {
      method: 'POST',
      headers: { ...headers, ...length },
      agent: false,
      signal: ending,
      ...lookup,
    });
    request.on('response', (response) => {
      const { statusCode = 0 } = response;
      // What it says is of no interest.
      response.destroy();
      if (statusCode >= 200 && statusCode < 300) resolve();
      else failed(`the target answered ${statusCode}`);
    });
    request.on('error', (error) => {
      if (error instanceof PushTargetError) reject(error);
      else failed((error as NodeJS.ErrnoException).code ?? 'the target did not answer');
    });
    request.end(body);
  });
}
