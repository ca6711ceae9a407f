/** The entries of one document on their way to being claims, each below the one it belongs to. */
import type { Agent } from '../../../actors/agent.ts';
import type { Group } from '../../../actors/group.ts';
import type { Claim } from '../../../actors/group-view.ts';
import type { Hex32 } from '../../../events/bytes.ts';
import { TAGS_MAX } from '../../../events/limits.ts';
import type { Entry } from './document.ts';
import type { Ledger } from './ledger.ts';
import type { FileRow, SectionRow, Standing } from './ledger-rows.ts';
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

/** Whether a document was there in an earlier pass. With other tags of its own, every claim of it is made anew. */
export type Before = 'new' | 'known' | 'tagged anew';

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
  private before: Before = 'new';
  private ordinal = 0;
  private path: Above[] = [];

  constructor(options: PlacerOptions, tally: Tally) {
    this.options = options;
    this.tally = tally;
  }

  async begin(file: number, { ownTags, tags, modifiedMs }: DocumentTold, before: Before): Promise<void> {
    const all = new Set([...(this.options.tags ?? []), ...ownTags, ...tags]);
    this.file = file;
    this.tags = [...all].slice(0, TAGS_MAX);
    this.createdMs = modifiedMs;
    this.before = before;
    this.ordinal = 0;
    this.path = [];
    if (before === 'known') await this.options.ledger.openEarlier(file);
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
    if (this.before === 'known') {
      const earlier = ledger.earlier(standing);
      if (earlier !== undefined && group.now.claim(earlier) !== undefined) return earlier;
    }
    const said = ledger.indexed(standing.parent, standing.text);
    return said.find(({ claim, isOurs }) => isOurs || this.isFit(group.now.claim(claim)))?.claim;
  }

  private isFit(record: Claim | undefined): boolean {
    if (record === undefined) return false;
    return this.before !== 'tagged anew' || record.tags.join('\n') === this.tags.join('\n');
  }

  /** What an import took back and what is there again is reinstated; what a person took back is not. */
  private async keep(claim: Hex32, standing: Standing): Promise<boolean> {
    const { group, agent, ledger, publisher } = this.options;
    const retraction = group.now.claim(claim)?.retraction;
    const isBack = retraction?.by === agent.publicKey && ledger.isRetired(claim);
    ledger.stand(claim, standing, isBack);
    if (this.before === 'known') ledger.closeEarlier(claim);
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
    return { claim, sent: publisher.add(operations[0]!, tags, artifacts[0]) };
  }

  /** Whether the group has every claim of a file as it stands. */
  isSealed({ id, pass }: FileRow): boolean {
    const { group, ledger } = this.options;
    return every(ledger.claimsOf(id, pass), (claim) => group.now.claim(claim) !== undefined);
  }

  /** Whether no claim of a file stands any more. */
  isRetired({ id }: FileRow): boolean {
    const { group, ledger } = this.options;
    return every(ledger.claimsOf(id, 0), (claim) => group.now.claim(claim)?.retraction !== undefined);
  }

  /**
   * Retracts what an earlier pass left of a file and `pass` did not find again. The rows stay until the retraction is
   * known to be sealed. Returns false once something was refused.
   */
  async retireLeft(file: number, pass: number, name: string): Promise<boolean> {
    const { ledger } = this.options;
    await ledger.merge(true);
    let rows = ledger.leftOf(file, pass, 0);
    for (; rows.length > 0; rows = ledger.leftOf(file, pass, rows.at(-1)!.id))
      for (const row of rows) if (!(await this.retire(file, row, name))) return false;
    return true;
  }

  private async retire(file: number, row: SectionRow, name: string): Promise<boolean> {
    const { group, agent, ledger, publisher } = this.options;
    const { claim } = row;
    const record = group.now.claim(claim);
    if (record === undefined || record.retraction !== undefined || ledger.isSaidElsewhere(file, row)) {
      ledger.forget(file, row);
      return true;
    }
    if (record.author !== agent.publicKey) {
      this.tally.left++;
      ledger.forget(file, row);
      return true;
    }
    const successor = await ledger.successorOf(file, row);
    const reason = successor === undefined ? `no longer in ${name}` : `superseded by ${successor}`;
    ledger.retire(claim);
    return publisher.add({ type: 'retract', claim, reason }, [reason]);
  }
}

function every<T>(values: Iterable<T>, is: (value: T) => boolean): boolean {
  for (const value of values) if (!is(value)) return false;
  return true;
}
