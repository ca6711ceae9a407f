/** What only a terminal has: questions without echo, colours, and a width. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { afterAll, describe, expect, test } from 'vitest';
import { displayWidth } from '../../interfaces/cli/table.ts';
import { hasTerminal, lb, lbOnTerminal } from './bin-lb.ts';

const base = mkdtempSync(join(tmpdir(), 'lb-terminal-'));
const data = join(base, 'node');
const env = { LB_DATA: data };
const PASSWORD = 'correct horse';
afterAll(() => rmSync(base, { recursive: true, force: true }));

describe.runIf(hasTerminal)('on a terminal', () => {
  test('init asks twice without echo, and changes nothing when the answers differ', async () => {
    const differing = await lbOnTerminal(['init', '--encrypt-keys'], {
      env,
      answers: [
        ['New password: ', `${PASSWORD}\r`],
        ['Again: ', 'another\r'],
      ],
    });
    expect(differing.code).toBe(2);
    expect(differing.screen).toContain('the two passwords differ');
    const { code, screen } = await lbOnTerminal(['init', '--encrypt-keys'], {
      env,
      answers: [
        ['New password: ', `${PASSWORD}x\u007f\r`],
        ['Again: ', `${PASSWORD}\r`],
      ],
    });
    expect(code).toBe(0);
    expect(screen).toContain('encrypted with the password');
    expect(differing.screen + screen).not.toContain('horse');
  });

  test('a verb that signs asks, one that reads does not, and Ctrl-C at the question is 130', async () => {
    const [signed, read, stopped] = [
      await lbOnTerminal(['create-group', '--name', 'g'], {
        env,
        answers: [['Password: ', `${PASSWORD}\r`]],
      }),
      await lbOnTerminal(['info'], { env }),
      await lbOnTerminal(['create-group', '--name', 'h'], { env, answers: [['Password: ', '\u0003']] }),
    ];
    expect([signed.code, read.code, stopped.code]).toEqual([0, 0, 130]);
    expect(read.screen).not.toContain('Password');
  });

  test('tables fit, whatever the width', async () => {
    const file = join(base, 'password');
    writeFileSync(file, `${PASSWORD}\n`);
    const title = '長い題 of a task that goes on and on, so that it must wrap somewhere 🙂';
    await lb(['create-task', '--title', title, '--id', 'a-rather-long-task-id', '--password-file', file], {
      env,
    });
    for (const width of [30, 60, 120]) {
      const { code, screen } = await lbOnTerminal(['list-tasks'], {
        env: { ...env, COLUMNS: String(width) },
      });
      expect(code).toBe(0);
      for (const line of stripVTControlCharacters(screen).split('\n'))
        expect(displayWidth(line), line).toBeLessThanOrEqual(width);
    }
  });

  test('colours are there, and not with NO_COLOR', async () => {
    const [coloured, plain] = await Promise.all([
      lbOnTerminal(['members'], { env }),
      lbOnTerminal(['members'], { env: { ...env, NO_COLOR: '1' } }),
    ]);
    expect(coloured.screen).toContain('\u001b[1m');
    expect(plain.screen).not.toContain('\u001b[');
  });

  test('Ctrl-C in the middle of a progress line leaves the prompt a line of its own', async () => {
    const { code, screen } = await lbOnTerminal(['demo'], {
      env: { LB_DATA: join(base, 'interrupted') },
      answers: [[' files', '\u0003']],
    });
    expect(code).toBe(130);
    expect(screen).toContain('^C');
    expect(screen.endsWith('\n')).toBe(true);
  });

  test('help fits a narrow terminal, and its example can still be pasted', async () => {
    for (const verb of [[], ['create-task'], ['create-offer'], ['policy']]) {
      const { code, stdout } = await lb(['help', ...verb], { env: { COLUMNS: '40' } });
      expect(code).toBe(0);
      const [help, example = ''] = stdout.split('Example:\n');
      for (const line of help!.split('\n')) expect(line.length, line).toBeLessThanOrEqual(40);
      if (verb.length > 0) expect(example.replaceAll(/ \\\n +/g, ' ')).toMatch(/^ {2}lb [^\n\\]+\n/);
    }
  });

  test('removing a member wants their name typed', async () => {
    const question = 'Type the member';
    const member = 'ab'.repeat(32);
    const withPassword = { ...env, LB_PASSWORD: PASSWORD };
    await lb(['add-member', '--pub', member], { env: withPassword });
    const [wrong, right] = [
      await lbOnTerminal(['remove-member', member], { env: withPassword, answers: [[question, 'cd\r']] }),
      await lbOnTerminal(['remove-member', member], {
        env: withPassword,
        answers: [[question, 'abababab\r']],
      }),
    ];
    expect([wrong.code, right.code]).toEqual([2, 0]);
  });
});

describe('passwords', () => {
  test('a wrong or missing one is 5, and reading works without', async () => {
    const locked = join(base, 'locked');
    const open = { LB_DATA: locked, LB_PASSWORD: PASSWORD };
    await lb(['init', '--encrypt-keys'], { env: open });
    await lb(['create-group', '--name', 'g'], { env: open });
    const [wrong, missing, read] = await Promise.all([
      lb(['mint', '--to', 'node', '--amount', '1', '--json'], {
        env: { LB_DATA: locked, LB_PASSWORD: 'no' },
      }),
      lb(['mint', '--to', 'node', '--amount', '1', '--json'], { env: { LB_DATA: locked } }),
      lb(['balance', '--json'], { env: { LB_DATA: locked } }),
    ]);
    expect([wrong.code, missing.code, read.code]).toEqual([5, 5, 0]);
    expect(JSON.parse(wrong.stderr)).toMatchObject({ code: 'password_wrong' });
    expect(JSON.parse(missing.stderr)).toMatchObject({ code: 'password_required' });
    const changed = await lb(['identity', 'password'], { env: { ...open, LB_NEW_PASSWORD: 'new' } });
    expect(changed).toMatchObject({ code: 0, stderr: '' });
    const [old, next] = await Promise.all([
      lb(['mint', '--to', 'node', '--amount', '1'], { env: open }),
      lb(['mint', '--to', 'node', '--amount', '1'], { env: { ...open, LB_PASSWORD: 'new' } }),
    ]);
    expect([old.code, next.code]).toEqual([5, 0]);
  });
});
