/** Where a password comes from before anybody is asked. */
import { expect, test } from 'vitest';
import { givenPassword } from '../../../interfaces/cli/password.ts';
import { RecordingTerminal } from '../../support/terminal.ts';

test('the environment gives a password, and an empty variable gives none', async () => {
  const given = (env: NodeJS.ProcessEnv) => givenPassword(new RecordingTerminal(), undefined, env);
  expect(await given({ LB_PASSWORD: 'secret' })).toBe('secret');
  expect(await given({ LB_PASSWORD: '' })).toBeUndefined();
  expect(await given({})).toBeUndefined();
});
