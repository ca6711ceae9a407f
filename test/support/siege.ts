/**
 * A node that is up as a process of its own, an honest member of its group, and what both look like from outside while
 * others attack: the member is served all the while, the memory stays bounded, log and metrics name who did it.
 */
import { expect } from 'vitest';
import type { Group } from '../../actors/group.ts';
import type { Host } from '../../protocol/host.ts';
import { subscribe } from '../../protocol/membership.ts';
import {
  decodeAnswer,
  encodeRequest,
  type MethodName,
  type RequestOf,
  RPC_PROTOCOL,
} from '../../protocol/rpc/methods.ts';
import { lbJson } from '../e2e/spawn-lb.ts';
import { closeHostile, frames, hostile } from './hostile.ts';
import { closePeers, type Peer, peer } from './network.ts';
import type { Person } from './people.ts';
import { until } from './until.ts';
import { Victim } from './victim.ts';

/** What all attacks together may leave behind; one of them at its height has more, and gives it back. */
const GROWTH_BYTES_MAX = 192 * 1024 * 1024;
/** What the victim's heap may be at all. */
const HEAP_MIB_MAX = 128;
/** How long a victim under attack may take to notice. */
export const PATIENCE_MS = 60_000;
/** Well below what a member may ask for in a minute. */
const HONEST_GAP_MS = 400;

export class Siege {
  readonly victim: Victim;
  readonly honest: Peer;
  /** The group that the victim seals, as the honest member has it. */
  readonly group: Group;
  private bytesAtFirst = 0;
  private claims = 0;

  private constructor(victim: Victim, honest: Peer, group: Group) {
    this.victim = victim;
    this.honest = honest;
    this.group = group;
  }

  /** @param members of the victim's group, beside the honest one */
  static async begin(members: readonly Person[]): Promise<Siege> {
    const victim = await Victim.start({
      LB_P2P_MAX_REQ_PER_MIN: '100',
      // The model of the views takes more memory than any attack may.
      LB_EMBEDDER: 'none',
      // What cannot be freed ends the process here; without a bound, garbage would lie about and look like it.
      NODE_OPTIONS: `--max-old-space-size=${HEAP_MIB_MAX}`,
    });
    const honest = await peer({ receiptWaitMs: 60_000 });
    const { group_id } = await lbJson<{ group_id: string }>(['create-group', '--name', 'private'], victim);
    for (const key of [honest.key, ...members.map(({ publicKey }) => publicKey)])
      await lbJson(['add-member', '--pub', key, '--role', 'member'], victim);
    await honest.network.host.dial(victim.key, victim.addresses);
    await subscribe(honest.network, group_id, victim.key);
    const siege = new Siege(victim, honest, honest.node.group(group_id));
    await siege.serveTheHonest();
    siege.bytesAtFirst = victim.anonymousBytes;
    return siege;
  }

  async end(): Promise<void> {
    await closePeers();
    await closeHostile();
    await this.victim.stop();
  }

  /** Has the honest member write something; resolves when the victim has sealed it. */
  async serveTheHonest(): Promise<void> {
    const { height } = await this.group.as('node').publishClaim({ text: `honest ${++this.claims}` });
    expect(height).toBeGreaterThan(0);
  }

  /** Runs an attack, and writes with the honest member all the while. */
  async under(attack: () => Promise<void>): Promise<void> {
    let isOver = false;
    const attacking = attack().finally(() => {
      isOver = true;
    });
    attacking.catch(() => {});
    do {
      await this.serveTheHonest();
      await new Promise((resolve) => setTimeout(resolve, HONEST_GAP_MS));
    } while (!isOver);
    await attacking;
    await this.serveTheHonest();
    const { victim } = this;
    expect(victim.isAlive).toBe(true);
    await until(
      'the memory is given back',
      () => victim.anonymousBytes - this.bytesAtFirst < GROWTH_BYTES_MAX,
      PATIENCE_MS,
    );
  }

  /** Waits until log and metrics name a peer that is shut out. */
  async isShutOut({ publicKey }: Person, reason: RegExp): Promise<void> {
    const { victim } = this;
    const reasons = (): string[] =>
      victim.logged('peer.banned').flatMap((line) => (line.peer === publicKey ? [`${line.reason}`] : []));
    await until(`${publicKey.slice(0, 8)} is shut out`, () => reasons().length > 0, PATIENCE_MS);
    expect(reasons().join('; ')).toMatch(reason);
    expect(await victim.metric(`lb_peer_banned_seconds{peer="${publicKey.slice(0, 16)}"}`)).toBeGreaterThan(
      0,
    );
  }

  /** Waits until log and metrics name a peer, or an address, that is suspected. */
  async isSuspected(who: string, reason: RegExp, withinMs = PATIENCE_MS): Promise<void> {
    const { victim } = this;
    const label = who.length === 64 ? who.slice(0, 16) : who;
    const isNamed = (): boolean =>
      victim.logged('peer.suspected').some((line) => line.who === who && reason.test(`${line.reason}`));
    await until(`${label} is suspected: ${reason}`, isNamed, withinMs);
    expect(await victim.metric(`lb_peer_suspected{who="${label}"}`)).toBeGreaterThan(0);
  }

  /** A host of this person that is connected to the victim. */
  async attacker(who: Person): Promise<Host> {
    const host = await hostile(who);
    await host.dial(this.victim.key, this.victim.addresses);
    return host;
  }

  /** Does something again and again until the victim has had enough. */
  async whileConnected(host: Host, once: (at: number) => unknown): Promise<void> {
    const deadlineMs = performance.now() + 90_000;
    for (let at = 0; host.isConnected(this.victim.key) && performance.now() < deadlineMs; at++) {
      await once(at);
      if (at % 50 === 49) await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }

  async ask<M extends MethodName>(host: Host, name: M, request: RequestOf<M>): Promise<unknown> {
    const { frames: out } = await frames(host, this.victim, RPC_PROTOCOL);
    await out.write(encodeRequest(name, request));
    const answer = await out.read();
    void out.close();
    return decodeAnswer(name, answer!);
  }
}
