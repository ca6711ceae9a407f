/**
 * The connections of an HTTP server: how many there are, who holds them, and how long one may do nothing.
 *
 * A connection belongs to a stranger until a request on it carries a token. Strangers and bearers have places of their
 * own, so that neither can lock the other out. A stranger who finds no place takes that of another: of the address
 * that holds most at the site (/48 of IPv6, /24 of IPv4) that does, the connection that is there longest; so a flood pushes out itself, and somebody with a token has
 * all the time that it takes to send it. Bearers share their places fairly.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { blockOf, siteOf } from './address-block.ts';
import { FairShare } from './fair-share.ts';

export interface ConnectionLimits {
  /** Without a token, of all addresses. */
  readonly strangers: number;
  /** Without a token, of one address, or one block of IPv6. */
  readonly perAddress: number;
  /** With a token. */
  readonly bearers: number;
}

/** Until the headers of a request are there, from the first moment of the connection or of the request. */
export const HEADERS_MS_MAX = 10_000;
/** Until all of a request is there. */
export const REQUEST_MS_MAX = 30_000;
/** Between two requests of one who has a token; a proxy keeps its connections for as long. */
const IDLE_MS_MAX = 60_000;
/** Between two requests of a stranger. */
const STRANGER_IDLE_MS_MAX = 10_000;
/** A reader who takes next to nothing of its answer for as long is gone, whatever is added to it meanwhile. */
const UNREAD_MS_MAX = 30_000;
/** Next to nothing: the slowest line that anybody works over takes as much in some seconds. */
const TAKEN_BYTES_MIN = 4 * 1024;
/** How often answers that are being taken are looked at, and whether their tokens are still good. */
const LOOK_MS = 2_000;
/** How often the server looks at the clock; deadlines are kept to within this. */
const CHECK_MS = 500;

interface Held {
  readonly socket: Socket;
  readonly block: string;
  readonly site: string;
  /** Whose it is; nothing for a stranger. */
  token: string | undefined;
  /** What is being answered. */
  response: ServerResponse | undefined;
  /** How much had been taken when it was last seen to take something, and when that was; nothing if none waits. */
  unread: { readonly taken: number; readonly sinceMs: number } | undefined;
}

/** Whether a token that let somebody in would still do so. */
export type IsValid = (tokenId: string) => boolean;

export class Connections {
  private readonly limits: ConnectionLimits;
  private readonly bearers: FairShare;
  private readonly held = new Map<Socket, Held>();
  /** The connections of strangers, by address, each the oldest first. */
  private readonly strangers = new Map<string, Set<Held>>();
  /** The same by site: who has one has any number of addresses. */
  private readonly sites = new Map<string, Set<Held>>();
  private strangersCount = 0;
  private readonly isValid: IsValid;

  constructor(limits: ConnectionLimits, isValid: IsValid) {
    this.limits = limits;
    this.isValid = isValid;
    this.bearers = new FairShare(limits.bearers);
  }

  /** How many are open. */
  get counts(): { readonly strangers: number; readonly bearers: number } {
    return { strangers: this.strangersCount, bearers: this.limits.bearers - this.bearers.free };
  }

  /** Sets the deadlines of a server, and counts its connections from now on. */
  watch(server: Server): void {
    server.headersTimeout = HEADERS_MS_MAX;
    server.requestTimeout = REQUEST_MS_MAX;
    server.keepAliveTimeout = IDLE_MS_MAX;
    server.timeout = UNREAD_MS_MAX;
    server.on('connection', (socket) => this.opened(socket));
    server.on('request', (request, response) => this.asked(request, response));
    server.on('timeout', (socket: Socket) => this.fellSilent(socket));
    const looking = setInterval(() => this.look(), LOOK_MS);
    looking.unref();
    server.once('close', () => clearInterval(looking));
  }

  /** A request that is being answered may take its time, if its answer is taken. */
  private fellSilent(socket: Socket): void {
    if (this.held.get(socket)?.response === undefined) socket.destroy();
  }

  /**
   * Ends what nobody reads, and what a token holds that was revoked or has expired: a stream that began under it would
   * go on for as long as its bearer likes.
   */
  private look(): void {
    const nowMs = performance.now();
    const over = new Map<string, boolean>();
    for (const held of [...this.held.values()]) {
      const { token } = held;
      if (token !== undefined && !over.has(token)) over.set(token, !this.isValid(token));
      const isOver = token !== undefined && over.get(token) === true;
      if (isOver || isUnread(held, nowMs)) held.socket.destroy();
    }
  }

  /** What is being answered on a connection. */
  answering(socket: Socket): ServerResponse | undefined {
    return this.held.get(socket)?.response;
  }

  private opened(socket: Socket): void {
    const { remoteAddress } = socket;
    // It is gone already.
    if (remoteAddress === undefined) return void socket.destroy();
    const held: Held = {
      socket,
      block: blockOf(remoteAddress),
      site: siteOf(remoteAddress),
      token: undefined,
      response: undefined,
      unread: undefined,
    };
    this.held.set(socket, held);
    socket.once('close', () => {
      this.leave(held);
      this.held.delete(socket);
    });
    this.enterAsStranger(held);
  }

  private asked({ socket }: IncomingMessage, response: ServerResponse): void {
    const held = this.held.get(socket);
    if (held === undefined) return;
    held.response = response;
    held.unread = undefined;
    response.once('close', () => {
      if (held.response !== response) return;
      held.response = undefined;
      if (held.token === undefined) socket.setTimeout(STRANGER_IDLE_MS_MAX);
    });
  }

  private enterAsStranger(held: Held): void {
    const { strangers, perAddress } = this.limits;
    const own = this.strangers.get(held.block) ?? new Set();
    if (own.size >= perAddress) this.evict(own);
    else if (this.strangersCount >= strangers) this.evict(this.mostOfOne());
    // Whoever was pushed out may have been the last of the address.
    this.strangers.set(held.block, own.add(held));
    this.sites.set(held.site, (this.sites.get(held.site) ?? new Set()).add(held));
    this.strangersCount++;
  }

  /** Of the site that holds most, the connections of the address that does. */
  private mostOfOne(): Set<Held> {
    let ofSite = new Set<Held>();
    for (const own of this.sites.values()) if (own.size > ofSite.size) ofSite = own;
    let most = new Set<Held>();
    for (const { block } of ofSite) {
      const own = this.strangers.get(block)!;
      if (own.size > most.size) most = own;
    }
    return most;
  }

  /** Ends the oldest that is not being answered, or the oldest. */
  private evict(own: Set<Held>): void {
    let found: Held | undefined;
    for (const one of own) {
      found ??= one;
      if (one.response !== undefined) continue;
      found = one;
      break;
    }
    if (found === undefined) return;
    this.leave(found);
    found.socket.destroy();
  }

  private leave(held: Held): void {
    if (held.token !== undefined) {
      this.bearers.give(held.token);
      held.token = undefined;
      return;
    }
    const own = this.strangers.get(held.block);
    if (!own?.delete(held)) return;
    this.strangersCount--;
    if (own.size === 0) this.strangers.delete(held.block);
    const ofSite = this.sites.get(held.site);
    if (ofSite?.delete(held) === true && ofSite.size === 0) this.sites.delete(held.site);
  }

  /** A request on it carried a token. False: its bearer has as many connections as there may be. */
  prove(socket: Socket, token: string): boolean {
    const held = this.held.get(socket);
    if (held === undefined || held.token === token) return true;
    if (!this.bearers.take(token) && !(this.endIdle(token) && this.bearers.take(token))) return false;
    this.leave(held);
    held.token = token;
    return true;
  }

  /** Ends a connection of the bearer that nothing is asked on. */
  private endIdle(token: string): boolean {
    for (const one of this.held.values()) {
      if (one.token !== token || one.response !== undefined) continue;
      this.leave(one);
      one.socket.destroy();
      return true;
    }
    return false;
  }

  /** A request on it carried a token that is none. */
  disprove(socket: Socket): void {
    const held = this.held.get(socket);
    if (held?.token === undefined) return;
    this.leave(held);
    this.enterAsStranger(held);
  }
}

/** Notes what is taken of an answer. True: next to nothing of it was, for too long. */
function isUnread(held: Held, nowMs: number): boolean {
  const { socket, response, unread } = held;
  const waiting = socket.writableLength + ofHandle(socket, 'writeQueueSize');
  if (response === undefined || waiting === 0) {
    held.unread = undefined;
    return false;
  }
  // What was handed to the system, without what it has not taken yet: it grows while somebody reads.
  const taken = ofHandle(socket, 'bytesWritten') - ofHandle(socket, 'writeQueueSize');
  if (unread !== undefined && taken - unread.taken < TAKEN_BYTES_MIN)
    return nowMs - unread.sinceMs >= UNREAD_MS_MAX;
  held.unread = { taken, sinceMs: nowMs };
  return false;
}

function ofHandle(socket: Socket, name: 'writeQueueSize' | 'bytesWritten'): number {
  const handle: unknown = Reflect.get(socket, '_handle');
  if (typeof handle !== 'object' || handle === null) return 0;
  const bytes: unknown = Reflect.get(handle, name);
  return typeof bytes === 'number' ? bytes : 0;
}

/** What `createServer` is given. */
export const SERVER_OPTIONS = {
  connectionsCheckingInterval: CHECK_MS,
  // A request without one is answered like any other that is led here under a false name.
  requireHostHeader: false,
} as const;
