/** What a word is found by: forms of it, other spellings, words that it is a part of; and what it is not found by. */
import { describe, expect, onTestFinished, test } from 'vitest';
import { creationScript } from '../../../views/schema.ts';
import { Sqlite } from '../../../views/sqlite.ts';
import { tokenize } from '../../../views/tokens.ts';
import { Vocabulary } from '../../../views/vocabulary.ts';
import { kinship } from '../../../views/word-kin.ts';
import { WordIndex } from '../../../views/words.ts';
import { hexId } from '../storage/temporary.ts';

/** Searches texts, and gives the numbers of those that were found, best first. */
function searching(...texts: readonly string[]): (query: string) => number[] {
  const sqlite = new Sqlite(':memory:');
  sqlite.database.exec(creationScript());
  onTestFinished(() => sqlite.close());
  const words = new WordIndex(sqlite, new Vocabulary(sqlite));
  for (const [at, text] of texts.entries()) words.add(at + 1, hexId(at + 1), tokenize(text));
  return (query) => words.search(query, 50, undefined).found.map(({ n }) => n);
}

describe('identifiers', () => {
  test.each([
    ['parseConfigFile', 'config file'],
    ['parseConfigFile', 'parse'],
    ['parseConfigFile', 'configfile'],
    ['parseConfigFile', 'PARSE_CONFIG_FILE'],
    ['ERR_TLS_CERT', 'tls cert'],
    ['ERR_TLS_CERT', 'errTlsCert'],
    ['kebab-case-names', 'case names'],
    ['snake_case', 'snakecase'],
    ['XMLHttpRequest', 'http request'],
    ['XMLHttpRequest', 'xml'],
    ['utf8Decoder', 'decoder'],
    ['utf8Decoder', 'utf8'],
    ['utf8Decoder', 'utf 8'],
    ['utf-8', 'utf8'],
    ['sha256', 'sha 256'],
    ['node.config.json', 'config'],
    ['src/views/tokens.ts', 'tokens.ts'],
    ['configFile', 'configfile'],
    ['configfile', 'configFile'],
    ['@scope/some-package', 'package'],
    ['GitHub', 'github'],
    ["п'ять", 'пять'],
  ])('%s is found by %s', (text, query) => {
    expect(searching('nothing of that kind', text)(query)).toEqual([2]);
  });

  test.each([
    'parseConfigFile',
    'parse_config_file',
    'parse-config-file',
    'node.config.json',
    'ERR_TLS_CERT',
  ])('%s typed whole ranks what has it whole first', (name) => {
    const terms = tokenize(name);
    const inner = terms.filter(({ kind }) => kind === 'part');
    const words = (inner.length > 0 ? inner : terms.filter(({ kind }) => kind === 'word')).map(
      ({ term }) => term,
    );
    const scattered = [...words, ...words, ...words].reverse().join(' ');
    const find = searching(
      scattered,
      `all about ${name} and many more words than the other text has`,
      scattered,
    );
    expect(find(name)[0]).toBe(2);
  });

  test('a name in pieces is found by whoever types it whole', () => {
    expect(searching('how to parse a config file')('parseConfigFile')).toEqual([1]);
  });
});

describe('marks', () => {
  test.each([
    ['München', 'Munchen', 'Muenchen'],
    ['Straße', 'Strasse', 'STRASSE'],
    ['Öffnung', 'offnung', 'oeffnung'],
    ['Ærø', 'aero', 'aeroe'],
    ['Århus', 'Arhus', 'Aarhus'],
    ['smørrebrød', 'smorrebrod', 'smoerrebroed'],
    ['Łódź', 'Lodz', 'łodz'],
    ['İstanbul', 'istanbul', 'ISTANBUL'],
    ['œuvre', 'oeuvre', 'Œuvre'],
    ['Đặng', 'Dang', 'dang'],
    ['Ёлка', 'елка', 'ЕЛКА'],
    ['λόγος', 'λογοσ', 'ΛΟΓΟΣ'],
    ['أحمد', 'احمد', 'اَحمد'],
    ['מלך', 'מֶלֶךְ', 'מלכ'],
  ])('%s is found by %s and %s, and finds them', (marked, ...plain) => {
    for (const other of plain)
      for (const [text, query] of [
        [marked, other],
        [other, marked],
      ] as const)
        expect([text, query, ...searching(text)(query)]).toEqual([text, query, 1]);
  });

  test('where one of them is marked, both spellings without marks are one word too', () => {
    const find = searching('München', 'Munchen', 'Muenchen');
    for (const query of ['München', 'Munchen', 'Muenchen']) expect(find(query).toSorted()).toEqual([1, 2, 3]);
  });

  test('where none is, words that only look like it stay apart', () => {
    const find = searching('a poet', 'a pot', 'the value', 'does', 'dos', 'aerial', 'arial');
    expect(find('pot')).toEqual([2]);
    expect(find('poet')).toEqual([1]);
    expect(find('dos')).toEqual([5]);
    expect(find('arial')).toEqual([7]);
  });
});

describe('compounds', () => {
  test.each([
    ['Die Datenbankverbindung ist weg', 'datenbank'],
    ['Die Datenbankverbindung ist weg', 'Verbindung'],
    ['Datenbankverbindung', 'datenbank'],
    ['Datenbankverbindung', 'verbindung'],
    ['Datenbankverbindungsfehler', 'verbindung'],
    ['Datenbankverbindungen', 'verbindung'],
    ['Die Zugriffsberechtigung fehlt noch', 'zugriff'],
    ['Der Netzwerkschlüssel', 'schlüssel'],
    ['Der Netzwerkschluessel', 'schlüssel'],
    ['Der Netzwerkschlüssel', 'schluessel'],
    ['Der Bahnhof ist zu', 'bahn'],
    ['zoekmachine', 'machine'],
    ['een zoekmachine', 'zoek'],
    ['gegevensbestand', 'bestand'],
    ['kunnskapsbase', 'kunnskap'],
    ['kunnskapsbase', 'base'],
    ['databasanslutning', 'anslutning'],
    ['tilgangskontroll', 'kontroll'],
    ['brugergrænseflade', 'grænse'],
    ['brugergrænseflade', 'graense'],
    ['The Datenbankverbindung is lost', 'datenbank'],
  ])('%s is found by %s', (text, query) => {
    expect(searching('nothing', text)(query)).toEqual([2]);
  });

  test.each([
    ['organization', 'organ'],
    ['universities', 'universe'],
    ['importantly', 'import'],
    ['particular', 'part'],
    ['The particular case', 'part'],
    ['The transportation of that', 'port'],
    ['portable', 'able'],
    ['generalizations', 'general'],
    ['hospitality', 'hospital'],
    ['authoritarian', 'author'],
    ['army', 'arm'],
    ['This is a standard restaurant', 'stand rest'],
  ])('%s is not found by %s', (text, query) => {
    expect(searching(text)(query)).toEqual([]);
  });

  test('a part ranks below the word', () => {
    expect(searching('Datenbankverbindung', 'Datenbank')('datenbank')).toEqual([2, 1]);
  });

  test('of very many, as many as count are taken, the same whichever came first', () => {
    const texts = Array.from({ length: 200 }, (_, at) => {
      const [one, two] = [at >> 4, at & 15].map((digit) => String.fromCharCode(97 + digit));
      return `${'x'.repeat(4 + (at % 3))}${one}${two}verbindung`;
    });
    const found = (ordered: readonly string[]): string[] =>
      searching(...ordered)('verbindung')
        .map((n) => ordered[n - 1]!)
        .toSorted();
    expect(found(texts)).toHaveLength(32);
    expect(found(texts.toReversed())).toEqual(found(texts));
  });
});

describe('forms of English words', () => {
  test.each([
    ['flow', 'flows'],
    ['policy', 'policies'],
    ['class', 'classes'],
    ['cache', 'caches'],
    ['validate', 'validated'],
    ['validate', 'validating'],
    ['route', 'routing'],
    ['plan', 'planning'],
    ['try', 'tried'],
    ['agree', 'agreed'],
    ['value', 'valuing'],
    ['use', 'using'],
  ])('%s and %s are forms of one word', (one, other) => {
    expect(kinship(one, other)).toBe('form');
    expect(kinship(other, one)).toBe('form');
    expect(searching(other)(one)).toEqual([1]);
  });

  test.each([
    ['validate', 'validation'],
    ['connect', 'connections'],
    ['organize', 'organization'],
    ['deploy', 'deployment'],
    ['possible', 'possibly'],
    ['linear', 'linearized'],
    ['similar', 'similarity'],
    ['stable', 'stability'],
  ])('%s and %s are derived', (one, other) => {
    expect(kinship(one, other)).toBe('derived');
    expect(kinship(other, one)).toBe('derived');
  });

  test.each([
    ['organ', 'organization'],
    ['organ', 'organize'],
    ['univers', 'university'],
    ['universe', 'university'],
    ['universe', 'universal'],
    ['general', 'generate'],
    ['general', 'generous'],
    ['generic', 'generate'],
    ['news', 'new'],
    ['policy', 'police'],
    ['arm', 'army'],
    ['import', 'important'],
    ['import', 'importance'],
    ['past', 'paste'],
    ['local', 'locale'],
    ['rout', 'route'],
    ['plan', 'plane'],
    ['sever', 'several'],
    ['sever', 'severe'],
    ['author', 'authority'],
    ['hospital', 'hospitality'],
    ['custom', 'customer'],
    ['execute', 'executive'],
    ['experiment', 'experience'],
    ['doing', 'doe'],
    ['witness', 'wit'],
    ['business', 'busy'],
    ['secret', 'secretary'],
    ['physics', 'physician'],
    ['iron', 'irony'],
    ['wand', 'wander'],
    ['department', 'depart'],
    ['station', 'state'],
    ['numerous', 'numerical'],
    ['animal', 'animate'],
    ['capital', 'capitol'],
    ['negligent', 'negligible'],
    ['commune', 'community'],
    ['international', 'internet'],
  ])('%s and %s are strangers', (one, other) => {
    expect(kinship(one, other)).toBeUndefined();
    const find = searching(one, other);
    expect(find(one)).toEqual([1]);
    expect(find(other)).toEqual([2]);
  });

  test('the word itself ranks before its forms, and they before what is derived', () => {
    expect(searching('validation', 'validates', 'validate')('validate')).toEqual([3, 2, 1]);
  });
});
