/**
 * What somebody may have meant who typed a verb that does not exist: `tasks` is `list-tasks`, `mnt` is `mint`.
 * A shared word counts before a likeness of letters, since that is how verbs are forgotten.
 */
import type { Command } from 'commander';
import { UsageError } from '../../actors/errors.ts';

const SUGGESTED_MAX = 4;
/** Words that people try first, of other programs and of everyday speech, with the verbs that do it. */
export const LIKELY: Readonly<Record<string, readonly string[]>> = {
  search: ['compile-context', 'sql'],
  find: ['compile-context', 'show'],
  query: ['compile-context', 'sql'],
  ask: ['compile-context'],
  grep: ['compile-context'],
  context: ['compile-context'],
  send: ['transfer', 'publish-claim'],
  pay: ['transfer'],
  give: ['transfer'],
  post: ['publish-claim'],
  publish: ['publish-claim'],
  claim: ['publish-claim', 'recent-claims'],
  claims: ['recent-claims', 'publish-claim'],
  say: ['publish-claim'],
  note: ['publish-claim'],
  add: ['add-member', 'publish-claim', 'create-task'],
  new: ['create-group', 'create-task', 'identity new'],
  create: ['create-group', 'create-task', 'create-offer'],
  serve: ['up', 'mcp'],
  server: ['up', 'mcp'],
  start: ['up', 'start-task', 'init'],
  run: ['up', 'demo'],
  daemon: ['up'],
  stop: ['up'],
  listen: ['up'],
  todo: ['create-task', 'list-tasks'],
  task: ['create-task', 'list-tasks', 'show-task'],
  done: ['complete-task'],
  finish: ['complete-task'],
  work: ['take-task', 'list-tasks'],
  ls: ['list-groups', 'list-tasks', 'recent-claims'],
  list: ['list-groups', 'list-tasks', 'recent-claims'],
  status: ['info', 'doctor'],
  health: ['doctor', 'check'],
  whoami: ['info', 'identity list'],
  who: ['members', 'presence'],
  users: ['members', 'identity list'],
  user: ['members', 'identity list'],
  agents: ['members', 'identity list'],
  groups: ['list-groups', 'group-info'],
  rename: ['profile', 'identity rename'],
  name: ['profile', 'identity rename'],
  block: ['show', 'log'],
  blocks: ['log'],
  trust: ['trust-clock'],
  unread: ['unread', 'whats-new'],
  inbox: ['unread', 'whats-new'],
  buy: ['buy-offer'],
  shop: ['list-offers'],
  market: ['list-offers', 'market-pull'],
  accounts: ['balance', 'identity list'],
  login: ['identity list', 'join'],
  sell: ['create-offer'],
  money: ['balance'],
  tokens: ['balance', 'mint'],
  wallet: ['balance'],
  history: ['log'],
  events: ['watch', 'log'],
  tail: ['watch'],
  follow: ['watch'],
  sync: ['sync-now'],
  verify: ['audit', 'verify-proof'],
  save: ['backup', 'export'],
  configure: ['config', 'setup'],
  settings: ['config'],
  install: ['setup', 'completion'],
};
/** Words that say what every verb says: `list-claims` asks for claims. */
const TELLS_NOTHING: ReadonlySet<string> = new Set([
  'list',
  'show',
  'get',
  'view',
  'all',
  'my',
  'set',
  'see',
]);
/** Letters that may differ, as a part of the longer word. */
const DIFFERENT_MAX = 0.4;
/** Nobody means a name by more than that, and to compare takes time by the length of both. */
const TYPED_MAX = 128;

/** Every verb as it is typed behind `lb`, those of families with their family. */
export function verbNames(program: Command): string[] {
  return program.commands.flatMap((command) =>
    command.commands.length === 0
      ? [command.name()]
      : [command.name(), ...command.commands.map((one) => `${command.name()} ${one.name()}`)],
  );
}

/** The error for a verb that `parent` does not have. */
export function noSuchVerb(parent: Command, given: string): UsageError {
  const names = verbNames(parent);
  const path = parent.parent === null ? '' : `${parent.name()} `;
  const similar = [...new Set([...likelyVerbs(parent, given, names), ...similarTo(given, names)])]
    .slice(0, SUGGESTED_MAX)
    .map((name) => `lb ${path}${name}`);
  if (similar.length > 0)
    return new UsageError(`there is no verb "${path}${given}"; did you mean ${similar.join(' or ')}?`);
  const known = path === '' ? 'lb help lists them all' : `${parent.name()} has ${names.join(', ')}`;
  return new UsageError(`there is no verb "${path}${given}"; ${known}`);
}

/** What a word that is no verb mostly means, of the verbs that there are. */
function likelyVerbs(parent: Command, given: string, names: readonly string[]): string[] {
  if (parent.parent !== null) return [];
  const typed = given.toLowerCase();
  const [about, ...more] = typed.split(/[-_ ]/).filter((word) => !TELLS_NOTHING.has(word));
  const isOne = about !== undefined && more.length === 0;
  const itself = isOne ? names.filter((name) => singular(name) === singular(about)) : [];
  const meant = LIKELY[typed] ?? (isOne ? LIKELY[about] : undefined) ?? [];
  return [...itself, ...meant.filter((name) => names.includes(name))];
}

/** The names that are most like what was typed. */
export function similarTo(given: string, names: readonly string[]): string[] {
  if (given.length > TYPED_MAX) return [];
  const typed = given.toLowerCase();
  const scored = names
    .map((name) => ({ name, distance: distanceOf(typed, name) }))
    .filter(({ distance }) => distance <= DIFFERENT_MAX);
  scored.sort((a, b) => a.distance - b.distance);
  return scored.slice(0, SUGGESTED_MAX).map(({ name }) => name);
}

/** From 0, the same, to 1, nothing in common. */
function distanceOf(typed: string, name: string): number {
  const letters = editDistance(typed, name) / Math.max(typed.length, name.length);
  return Math.min(letters, wordDistance(typed.split(/[-_ ]/), name.split(/[-_ ]/)));
}

/** `tasks` is nearer to `list-tasks` than to `show-task`, and to both nearer than one of two words is. */
function wordDistance(typed: readonly string[], words: readonly string[]): number {
  const shared = typed.filter((word) => words.some((one) => singular(one) === singular(word)));
  if (shared.length === 0) return 1;
  if (shared.length < typed.length) return DIFFERENT_MAX;
  return shared.every((word) => words.includes(word)) ? 0.1 : 0.2;
}

function singular(word: string): string {
  return word.replace(/s$/, '');
}

/** Letters to add, drop, change or swap with their neighbour. */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let above = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const isSame = a[i - 1] === b[j - 1];
      let least = Math.min(above[j]! + 1, row[j - 1]! + 1, above[j - 1]! + (isSame ? 0 : 1));
      const isSwapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (isSwapped) least = Math.min(least, before[j - 2]! + 1);
      row.push(least);
    }
    [before, above] = [above, row];
  }
  return above[b.length]!;
}
