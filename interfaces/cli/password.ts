/**
 * Passwords: from `--password-file`, from `LB_PASSWORD`, or typed on a terminal without echo. Never from a flag,
 * which other users of the machine could read in the list of processes.
 */
import { UsageError } from '../../actors/errors.ts';
import { KeystoreError, PasswordRequiredError } from '../../crypto/keystore-errors.ts';
import { readTextInput } from './files.ts';
import type { Terminal } from './terminal.ts';

/** Whoever asks: a `Run`. */
export interface Asker {
  readonly terminal: Terminal;
  readonly signal: AbortSignal;
}

/** The password that the flags or the environment give, if any. */
export async function givenPassword(
  terminal: Terminal,
  file: string | undefined,
  env: NodeJS.ProcessEnv,
): Promise<string | undefined> {
  if (file !== undefined) return readTextInput(terminal, file);
  // Scripts unset a variable by making it empty.
  return env.LB_PASSWORD === '' ? undefined : env.LB_PASSWORD;
}

/** A new password: given, or asked for twice. */
export async function newPassword(asker: Asker, given: string | undefined): Promise<string> {
  if (given !== undefined) return given;
  if (!asker.terminal.isInteractive)
    throw new KeystoreError(
      'password_required',
      'a new password is needed, and there is no terminal to ask for it on',
    );
  const first = await askHidden(asker, 'New password: ');
  if (first === '') throw new UsageError('an empty password protects nothing');
  if ((await askHidden(asker, 'Again: ')) !== first)
    throw new UsageError('the two passwords differ; nothing was changed');
  return first;
}

/**
 * A line typed without echo.
 * @throws PasswordRequiredError without a terminal, InterruptedError at Ctrl-C
 */
export async function askHidden({ terminal, signal }: Asker, question: string): Promise<string> {
  if (!terminal.isInteractive) throw new PasswordRequiredError();
  return terminal.ask(question, { isShown: false, signal });
}
