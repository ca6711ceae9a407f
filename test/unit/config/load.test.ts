import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import { setInFile, settingNamed, unsetInFile } from '../../../interfaces/config/edit.ts';
import { ConfigError } from '../../../interfaces/config/errors.ts';
import { configFlags } from '../../../interfaces/config/flags.ts';
import { type ConfigInput, loadConfig, nodeOptions } from '../../../interfaces/config/load.ts';
import {
  flagOf,
  SETTING_NAMES,
  settingOf,
  settingOfVariable,
  variableOf,
} from '../../../interfaces/config/schema.ts';
import { seeded } from '../../support/seed.ts';

function directory(content?: unknown): string {
  const dir = mkdtempSync(join(tmpdir(), 'config-unit-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  if (content !== undefined)
    writeFileSync(join(dir, 'config.json'), typeof content === 'string' ? content : JSON.stringify(content));
  return dir;
}

const load = (data: string, env: ConfigInput['env'] = {}, flags: ConfigInput['flags'] = {}) =>
  loadConfig({ data, env, flags });

function problemsOf(make: () => unknown): readonly string[] {
  try {
    make();
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    expect((error as Error).message).not.toContain('\n');
    return (error as ConfigError).problems;
  }
  throw new Error('nothing was wrong with it');
}

describe('where a value comes from', () => {
  test('flag before environment before file before default', () => {
    const data = directory({ seal_linger_ms: 3 });
    const env = { LB_SEAL_LINGER_MS: '4' };
    const of = (config: ReturnType<typeof load>) => [
      config.settings.seal_linger_ms,
      config.sources.seal_linger_ms,
    ];
    expect(of(load(directory()))).toEqual([2, 'default']);
    expect(of(load(data))).toEqual([3, 'file']);
    expect(of(load(data, env))).toEqual([4, 'environment']);
    expect(of(load(data, env, { seal_linger_ms: '5' }))).toEqual([5, 'flag']);
  });

  test('an empty variable is none, and other programs have theirs', () => {
    const { sources } = load(directory(), { LB_LOG_LEVEL: '', LBX: '1', PATH: '/bin', LB_DATA: 'x' });
    expect(new Set(Object.values(sources))).toEqual(new Set(['default']));
  });

  test('relative paths begin at the data directory in the file, and at the shell elsewhere', () => {
    const data = directory({ log_dir: 'logs' });
    expect(load(data).settings.log_dir).toBe(join(data, 'logs'));
    expect(load(data, { LB_LOG_DIR: 'logs' }).settings.log_dir).toBe(resolve('logs'));
  });

  test('every default is a value that the file could hold', () => {
    for (const name of SETTING_NAMES) {
      const { kind, default: value } = settingOf(name);
      if (value !== undefined) expect(kind.fromJson(value, '/'), name).toEqual(value);
    }
  });

  test('every spelling leads back to its setting', () => {
    for (const name of SETTING_NAMES) {
      expect(settingOfVariable(variableOf(name))).toBe(name);
      for (const spelling of [name, variableOf(name), flagOf(name)])
        expect(settingNamed(spelling)).toBe(name);
    }
  });

  test('options of commander are flags', () => {
    const options = { logJson: true, p2pMaxConnPerIp: '3', data: 'x', json: true };
    expect(configFlags(options)).toEqual({ log_json: 'true', p2p_max_conn_per_ip: '3' });
    expect(load(directory(), {}, configFlags(options)).settings.log_json).toBe(true);
  });

  test('the node gets what it takes', () => {
    const env = { LB_DURABILITY: 'commit', LB_VERIFY_THREADS: '3', LB_MAX_CLOCK_DRIFT_MS: '1000' };
    expect(nodeOptions(load(directory(), env))).toEqual({
      durability: 'commit',
      lingerMs: 2,
      maxClockDriftMs: 1000,
      embedder: { kind: 'builtin' },
      threads: 3,
    });
    expect(nodeOptions(load(directory()))).not.toHaveProperty('threads');
  });

  test('a model on a server is named in one line, and its key is no setting', () => {
    const url = 'http://127.0.0.1:11434/v1';
    const embedderIn = (text: string, env = {}) =>
      nodeOptions(load(directory({ embedder: text })), env).embedder;
    expect(embedderIn('none')).toEqual({ kind: 'none' });
    expect(embedderIn(`ollama:all-minilm:33m@${url}`)).toEqual({
      kind: 'ollama',
      model: 'all-minilm:33m',
      url,
    });
    expect(embedderIn(`openai:small@${url}`)).toEqual({ kind: 'openai', model: 'small', url });
    expect(embedderIn(`openai:small@${url}`, { LB_EMBEDDER_KEY: 'secret' })).toMatchObject({ key: 'secret' });
    expect(load(directory(), { LB_EMBEDDER_KEY: 'secret' }).settings).not.toHaveProperty('embedder_key');
    for (const wrong of [
      '',
      'ollama',
      'ollama:m',
      `ollama:@${url}`,
      'ollama:m@ftp://x',
      'gpt',
      'openai:m@http://',
    ])
      expect(() => load(directory({ embedder: wrong })), wrong).toThrow(/embedder .* must be builtin, none/);
  });
});

describe('what is refused', () => {
  test('unknown names, with a suggestion', () => {
    const data = directory({ log_levle: 'info', weather: 1 });
    const problems = problemsOf(() => load(data, { LB_SYNC_INTERVALL_S: '1', LB_QQQQQQQQQQQQQ: '1' }));
    expect(problems).toEqual([
      `${join(data, 'config.json')} has an unknown key "log_levle" (did you mean log_level?)`,
      `${join(data, 'config.json')} has an unknown key "weather"`,
      'the environment has an unknown variable LB_SYNC_INTERVALL_S (did you mean LB_SYNC_INTERVAL_S?)',
      'the environment has an unknown variable LB_QQQQQQQQQQQQQ',
    ]);
  });

  test('wrong types and values out of bounds, in each place', () => {
    const data = directory({ log_json: 'true', seal_linger_ms: '3' });
    const problems = problemsOf(() =>
      load(data, { LB_DURABILITY: 'maybe' }, { verify_threads: '0', metrics_port: '1e3' }),
    );
    expect(problems).toHaveLength(5);
    expect(problems[0]).toMatch(/^log_json in .* is "true"; it must be true or false$/);
    expect(problems[2]).toBe('LB_DURABILITY is "maybe"; it must be one of flush, commit');
    expect(problems[3]).toBe('--verify-threads is "0"; it must be a whole number from 1 to 256');
  });

  test.each(['', '[]', 'null', '"text"', '{"log_level":', '{"log_level":"info",}'])('the file %j', (text) => {
    expect(problemsOf(() => load(directory(text)))).toHaveLength(1);
  });

  test('a key of JavaScript itself is no setting', () => {
    expect(problemsOf(() => load(directory('{"constructor":1}')))).toHaveLength(1);
    expect(problemsOf(() => load(directory('{"__proto__":1}')))).toHaveLength(1);
  });

  test('a file that cannot be read', () => {
    const data = directory();
    mkdirSync(join(data, 'config.json'));
    expect(problemsOf(() => load(data))[0]).toMatch(
      /^cannot read .*config\.json: it is a folder, not a file/,
    );
  });

  test('any JSON is either taken or refused in words', () => {
    const value = fc.jsonValue();
    const content = fc.dictionary(fc.oneof(fc.constantFrom(...SETTING_NAMES), fc.string()), value);
    const data = directory();
    fc.assert(
      fc.property(content, (given) => {
        writeFileSync(join(data, 'config.json'), JSON.stringify(given));
        try {
          load(data);
        } catch (error) {
          expect(error).toBeInstanceOf(ConfigError);
        }
      }),
      seeded('config.json', 200),
    );
  });
});

describe('changes of the file', () => {
  test('set and unset leave the rest as it is', () => {
    const data = directory({ log_json: true });
    expect(setInFile(data, 'seal_linger_ms', '7')).toBe(7);
    expect(JSON.parse(readFileSync(join(data, 'config.json'), 'utf8'))).toEqual({
      log_json: true,
      seal_linger_ms: 7,
    });
    expect(unsetInFile(data, 'LB_LOG_JSON')).toBe(true);
    expect(unsetInFile(data, 'log_json')).toBe(false);
    expect(load(data).sources.seal_linger_ms).toBe('file');
    expect(readdirSync(data)).toEqual(['config.json']);
  });

  test('a value that is none changes nothing', () => {
    const data = directory({ seal_linger_ms: 3 });
    problemsOf(() => setInFile(data, 'seal_linger_ms', 'fast'));
    problemsOf(() => settingNamed('log_levle'));
    expect(load(data).settings.seal_linger_ms).toBe(3);
  });

  test('unset mends a file that is refused', () => {
    const data = directory({ log_levle: 'info' });
    problemsOf(() => load(data));
    expect(unsetInFile(data, 'log_levle')).toBe(true);
    expect(load(data).sources.log_level).toBe('default');
  });
});
