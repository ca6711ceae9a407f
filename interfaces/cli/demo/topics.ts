/**
 * What the agents look into, one topic a round. A topic says which sections of the imported documents are meant,
 * and what the three have to say about them; numbers and names come from what is really found.
 */

export interface Topic {
  /** The tag of everything that is said about it. */
  readonly tag: string;
  /** Names it in a sentence: "the … ". */
  readonly noun: string;
  /** How often a section gives reason to look at it. */
  matches(text: string): number;
  /** Completes "12 sections in 5 documents …". */
  readonly what: string;
  /** The architect: why it matters. */
  readonly concern: string;
  /** The reviewer: why it may not. */
  readonly objection: string;
  /** The developer: what follows. */
  readonly answer: string;
}

function counting(pattern: RegExp): (text: string) => number {
  return (text) => text.match(pattern)?.length ?? 0;
}

export const TOPICS: readonly Topic[] = [
  {
    tag: 'commonjs',
    noun: 'CommonJS examples',
    matches: counting(/\brequire\(\s*['"]/g),
    what: 'load a package with require()',
    concern:
      'Our sources are ES modules, where require is not defined: whoever pastes such an example gets a ReferenceError before anything else runs.',
    objection:
      'In a .cjs file the same lines are right, and Node 24 even lets require() load an ES module that has no top-level await. I would not call the documents wrong.',
    answer:
      'Agreed: not wrong, but not for us. One line per package with the import that does the same would do, with a link to the section.',
  },
  {
    tag: 'plain-http',
    noun: 'plain http links',
    matches: counting(/\bhttp:\/\/(?!localhost|127\.|0\.0\.0\.0|example\.)[\w-]+\.[\w.-]+/g),
    what: 'link to a page over plain http',
    concern:
      'Whoever follows such a link cannot know that nobody changed the page on the way, and we cite these documents as evidence.',
    objection:
      'Many of these hosts redirect to https, and nobody opens a namespace URI. The number says more about the age of a document than about a risk.',
    answer:
      'Then the list should separate what a reader follows from what only looks like a link. I can do that.',
  },
  {
    tag: 'deprecations',
    noun: 'deprecations',
    matches: counting(/\bdeprecat\w+/gi),
    what: 'speak of something deprecated',
    concern:
      'What is deprecated today is gone after some next major version, and our lock file alone decides on which day we notice.',
    objection:
      'A changelog speaks of deprecations that were carried out years ago. Only a section that describes the present API tells us anything.',
    answer:
      'Then I sort them: changelogs on one side, reference sections on the other, and we read the second.',
  },
  {
    tag: 'node-versions',
    noun: 'Node versions',
    matches: counting(/\bNode(?:\.js)?\s*(?:>=?|≥|v|version)?\s*v?\d{1,2}\b/g),
    what: 'name a version of Node',
    concern:
      'We promise Node 24. A document that was written for Node 10 may describe detours that we no longer need, or leave out what has changed since.',
    objection:
      'A lower bound is a promise to keep, not a sign of age: "Node 16 or newer" holds on 24 as well. Only an upper bound or a detour is a reason to act.',
    answer:
      'So the question for each section is whether it says "from" or "up to", and that can be read off the text.',
  },
  {
    tag: 'measured-speeds',
    noun: 'quoted speeds',
    matches: counting(/\d\s*(?:ops?\/s(?:ec(?:ond)?)?|[MG]i?B\/s|ns\/op|[μµ]s\/op)(?![\w/])/gi),
    what: 'quote speeds that somebody measured',
    concern:
      'These numbers come from other machines and other years. Where they enter a decision of ours, we should be able to repeat them.',
    objection:
      'Nobody should compare absolute numbers, but the ratio of two libraries within one run is worth a lot. Throwing all of them out would lose that.',
    answer:
      'Then we keep the ratios, drop the absolutes, and give every number that we cite the machine it came from.',
  },
  {
    tag: 'security-notes',
    noun: 'security notes',
    matches: counting(/\b(?:vulnerabilit(?:y|ies)|CVE-\d{4}-\d+|security)\b/gi),
    what: 'say something about security',
    concern:
      'What a package promises about security, and what it expressly does not, should be before our eyes when we choose it.',
    objection: 'Half of such sections only say where to report a problem. Good to know, and no promise.',
    answer: 'Then two lists: where to report, and what is promised. The second will be the short one.',
  },
];

/** Where nothing else is found: there is always a longest section. */
export const LAST_RESORT: Topic = {
  tag: 'length',
  noun: 'long sections',
  matches: (text) => Math.ceil(text.length / 1_000),
  what: 'stand between a newcomer and their first working line',
  concern: 'The longest come first in this list. What nobody reads to its end might as well not be written.',
  objection:
    'A reference is not read, it is searched. Its length says nothing as long as its headings are right.',
  answer: 'Then we judge the headings: could one find the section by what it is called?',
};
