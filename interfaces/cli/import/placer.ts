/** The entries of one document on their way to being claims, each below the one it belongs to. */
import type { Agent } from '../../../actors/agent.ts';
import type { Group } from '../../../actors/group.ts';
import type { Claim } from '../../../actors/group-view.ts';
import type { Hex32 } from '../../../events/bytes.ts';
import { TAGS_MAX } from '../../../events/limits.ts';
import type { Entry } from './document.ts';
import type { FileRow, Ledger, SectionRow, Standing } from './ledger.ts';
import type { Tally } from './pass.ts';
import type { Publisher } from './publisher.ts';
import type { DocumentTold } from './reading-protocol.ts';

export interface PlacerOptions {
  readonly group: Group;
  readonly agent: Agent;
  readonly tags?: readonly string[];
  readonly ledger: Ledger;
  readonly publisher: Publisher;
}

interface Above {
  readonly level: number;
  readonly claim: Hex32;
}

export class Placer {
  private readonly options: PlacerOptions;
  private readonly tally: Tally;
  private file = 0;
  private tags: readonly string[] = [];
  private createdMs = 0;
  private isTaggedAnew = false;
  private ordinal = 0;
  private path: Above[] = [];

  constructor(options: PlacerOptions, tally: Tally) {
    this.options = options;
    this.tally = tally;
  }

  /** @param isTaggedAnew whether the document's own tags are others than they were: every claim is made anew */
  begin(file: number, { ownTags, tags, modifiedMs }: DocumentTold, isTaggedAnew: boolean): void {
    const all = new Set([...(this.options.tags ?? []), ...ownTags, ...tags]);
    this.file = file;
    this.tags = [...all].slice(0, TAGS_MAX);
    this.createdMs = modifiedMs;
    this.isTaggedAnew = isTaggedAnew;
    this.ordinal = 0;
    this.path = [];
  }

  /** Returns false once something was refused. */
  async place({ level, text }: Entry): Promise<boolean> {
    while (this.path.length > 0 && this.path.at(-1)!.level >= level) this.path.pop();
    const parent = this.path.at(-1)?.claim;
    const standing = { file: this.file, ordinal: this.ordinal++, parent, text };
    this.tally.sections++;
    const there = this.there(standing);
    const claim = there ?? this.make(standing);
    this.path.push({ level, claim: typeof claim === 'string' ? claim : claim.claim });
    if (typeof claim !== 'string') return claim.sent;
    return this.keep(claim, standing);
  }

  /** The claim that says it already. */
  private there(standing: Standing): Hex32 | undefined {
    const { group, ledger } = this.options;
    if (!this.isTaggedAnew) {
      const earlier = ledger.earlier(standing);
      if (earlier !== undefined && group.now.claim(earlier) !== undefined) return earlier;
    }
    const said = ledger.indexed(standing.parent, standing.text);
    return said.find(({ claim, isOurs }) => isOurs || this.isFit(group.now.claim(claim)))?.claim;
  }

  private isFit(record: Claim | undefined): boolean {
    if (record === undefined) return false;
    return !this.isTaggedAnew || record.tags.join('\n') === this.tags.join('\n');
  }

  /** What an import took back and what is there again is reinstated; what a person took back is not. */
  private async keep(claim: Hex32, standing: Standing): Promise<boolean> {
    const { group, agent, ledger, publisher } = this.options;
    const retraction = group.now.claim(claim)?.retraction;
    const isBack = retraction?.by === agent.publicKey && ledger.isRetired(claim);
    ledger.stand(claim, standing, isBack);
    if (!isBack) return true;
    ledger.unretire(claim);
    const reason = 'it is in the document again';
    return publisher.add({ type: 'reinstate', claim, reason }, [reason]);
  }

  private make(standing: Standing): { readonly claim: Hex32; readonly sent: Promise<boolean> } {
    const { agent, ledger, publisher } = this.options;
    const { parent, text } = standing;
    const { tags, createdMs } = this;
    const below = parent === undefined ? {} : { parent };
    const { claim, operations, artifacts } = agent.prepareClaim({ text, tags, createdMs, ...below });
    ledger.stand(claim, standing, true);
    ledger.index(claim, parent, text, true);
    return { claim, sent: publisher.add(operations[0]!, tags, artifacts[0]) };
  }

  /** Whether the group has every claim of a file as it stands. */
  async isSealed({ id, pass }: FileRow): Promise<boolean> {
    const { group, ledger } = this.options;
    let claims = ledger.claimsOf(id, pass, '');
    for (; claims.length > 0; claims = ledger.claimsOf(id, pass, claims.at(-1)!))
      if (!claims.every((claim) => group.now.claim(claim) !== undefined)) return false;
    return true;
  }

  /** Whether no claim of a file stands any more. */
  isRetired({ id }: FileRow): boolean {
    const { group, ledger } = this.options;
    let claims = ledger.claimsOf(id, 0, '');
    for (; claims.length > 0; claims = ledger.claimsOf(id, 0, claims.at(-1)!))
      if (!claims.every((claim) => group.now.claim(claim)?.retraction !== undefined)) return false;
    return true;
  }

  /**
   * Retracts what an earlier pass left of a file and `pass` did not find again. The rows stay until the retraction is
   * known to be sealed. Returns false once something was refused.
   */
  async retireLeft(file: number, pass: number, name: string): Promise<boolean> {
    const { ledger } = this.options;
    let rows = ledger.leftOf(file, pass, '');
    for (; rows.length > 0; rows = ledger.leftOf(file, pass, rows.at(-1)!.claim))
      for (const row of rows) if (!(await this.retire(file, row, name))) return false;
    return true;
  }

  private async retire(file: number, row: SectionRow, name: string): Promise<boolean> {
    const { group, agent, ledger, publisher } = this.options;
    const { claim } = row;
    const record = group.now.claim(claim);
    if (record === undefined || record.retraction !== undefined || ledger.isSaidElsewhere(file, claim)) {
      ledger.forget(file, claim);
      return true;
    }
    if (record.author !== agent.publicKey) {
      this.tally.left++;
      ledger.forget(file, claim);
      return true;
    }
    const successor = ledger.successorOf(file, row);
    const reason = successor === undefined ? `no longer in ${name}` : `superseded by ${successor}`;
    ledger.retire(claim);
    return publisher.add({ type: 'retract', claim, reason }, [reason]);
  }
}
