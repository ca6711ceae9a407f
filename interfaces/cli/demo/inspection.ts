/** Reading the imported documents: which sections are about a topic, and where they stand. */

import { UsageError } from '../../../actors/errors.ts';
import type { Group } from '../../../actors/group.ts';
import type { Hex32 } from '../../../events/bytes.ts';
import { LAST_RESORT, TOPICS, type Topic } from './topics.ts';

/** The tag that every imported claim carries. */
export const DOCS_TAG = 'docs';

/** A section that a topic is about. */
export interface Hit {
  readonly claim: Hex32;
  /** The name of its document: package and path. */
  readonly document: string;
  readonly package: string;
  readonly heading: string;
  readonly matches: number;
}

export interface Inspection {
  readonly topic: Topic;
  /** Those that match most often first. At least one. */
  readonly hits: readonly Hit[];
  /** Of the hits, in their order. */
  readonly documents: readonly string[];
  readonly packages: readonly string[];
  /** Sections that were looked at. */
  readonly sectionsRead: number;
}

interface Section {
  readonly claim: Hex32;
  readonly parent: Hex32 | undefined;
  readonly text: string;
  readonly tags: readonly string[];
}

/** The imported sections of the group, with their texts. */
export class Library {
  private readonly sections = new Map<Hex32, Section>();

  constructor(group: Group) {
    for (const { claim, parent, tags, retraction } of group.now.claims()) {
      if (retraction !== undefined || tags[0] !== DOCS_TAG) continue;
      const text = group.claimContent(claim)?.text;
      if (text !== undefined) this.sections.set(claim, { claim, parent, text, tags });
    }
    if (this.sections.size === 0)
      throw new UsageError(
        'there are no documents to talk about; name a folder with Markdown files with --docs',
      );
  }

  /** Which sections a topic is about. */
  inspect(topic: Topic): Inspection | undefined {
    const hits: Hit[] = [];
    for (const section of this.sections.values()) {
      const matches = topic.matches(section.text);
      if (matches > 0) hits.push(this.hit(section, matches));
    }
    if (hits.length === 0) return undefined;
    hits.sort((a, b) => b.matches - a.matches || (a.claim < b.claim ? -1 : 1));
    const documents = [...new Set(hits.map(({ document }) => document))];
    const packages = [...new Set(hits.map((hit) => hit.package))];
    return { topic, hits, documents, packages, sectionsRead: this.sections.size };
  }

  /** The inspection of a round: of the topic that it began with, else of the next that is found at all. */
  inspectFor(round: number, begunWith: string | undefined): Inspection {
    const at = TOPICS.findIndex(({ tag }) => tag === begunWith);
    const first = at >= 0 ? at : (round - 1) % TOPICS.length;
    const order = begunWith === LAST_RESORT.tag ? [] : [...TOPICS.slice(first), ...TOPICS.slice(0, first)];
    for (const topic of order) {
      const inspection = this.inspect(topic);
      if (inspection !== undefined) return inspection;
    }
    return this.inspect(LAST_RESORT)!;
  }

  /** Where a claim stands among the documents; nothing for one that is no section of theirs. */
  placeOf(claim: Hex32): Hit | undefined {
    const section = this.sections.get(claim);
    return section && this.hit(section, 1);
  }

  /** A section with this heading in a document of a package. */
  headed(heading: string, inPackage: string): Hit | undefined {
    for (const section of this.sections.values()) {
      const hit = this.hit(section, 1);
      if (hit.heading === heading && hit.package === inPackage) return hit;
    }
    return undefined;
  }

  private hit(section: Section, matches: number): Hit {
    let root = section;
    for (let above = this.parentOf(root); above !== undefined; above = this.parentOf(root)) root = above;
    const document = lineOf(root.text);
    const heading = section === root ? document : lineOf(section.text).replace(/^#+\s*|\s*#+$/g, '');
    return { claim: section.claim, document, package: section.tags[1] ?? document, heading, matches };
  }

  private parentOf(section: Section): Section | undefined {
    return section.parent === undefined ? undefined : this.sections.get(section.parent);
  }
}

function lineOf(text: string): string {
  return /^[^\r\n]*/.exec(text)![0].trim();
}
