/**
 * Passwords: from `--password-file`, from `LB_PASSWORD`, or typed on a terminal without echo. Never from a flag,
 * which other users of the machine could read in the list of processes.
 */
import { UsageError } from '../../actors/errors.ts';
import { KeystoreError, PasswordRequiredError } from '../../crypto/keystore-errors.ts';
import { readTextInput } from './files.ts';
import type { Output } from './output.ts';

/** The user pressed Ctrl-C at a question. */
export class InterruptedError extends Error {
  override readonly name = 'InterruptedError';
}

/** The password that the flags or the environment give, if any. */
export function givenPassword(file: string | undefined, env: NodeJS.ProcessEnv): string | undefined {
  if (file !== undefined) return readTextInput(file);
  return env.LB_PASSWORD;
}

/** A new password: given, or asked for twice. */
export async function newPassword(
  out: Output,
  given: string | undefined,
  signal: AbortSignal,
): Promise<string> {
  if (given !== undefined) return given;
  if (!process.stdin.isTTY)
    throw new KeystoreError(
      'password_required',
      'a new password is needed, and there is no terminal to ask for it on',
    );
  const first = await askHidden(out, 'New password: ', signal);
  if (first === '') throw new UsageError('an empty password protects nothing');
  if ((await askHidden(out, 'Again: ', signal)) !== first)
    throw new UsageError('the two passwords differ; nothing was changed');
  return first;
}

/**
 * A line typed without echo.
 * @throws PasswordRequiredError without a terminal, InterruptedError at Ctrl-C
 */
export function askHidden(out: Output, question: string, signal: AbortSignal): Promise<string> {
  if (!process.stdin.isTTY) throw new PasswordRequiredError();
  return readLine(out, question, signal, false);
}

/** A line typed on a terminal. */
export function ask(out: Output, question: string, signal: AbortSignal): Promise<string> {
  return readLine(out, question, signal, true);
}

/** What was typed after a line's end, for the next question: pasted answers arrive together. */
let early = '';

/** Raw mode takes the echo away before the question appears, so that nothing typed early is shown. */
function readLine(out: Output, question: string, signal: AbortSignal, isShown: boolean): Promise<string> {
  const { stdin } = process;
  const line = new TypedLine(isShown);
  return new Promise((resolve, reject) => {
    const finish = (settle: () => void): void => {
      stdin.off('data', onData);
      signal.removeEventListener('abort', onAbort);
      stdin.setRawMode(false);
      stdin.pause();
      process.stderr.write('\n');
      settle();
    };
    const onAbort = (): void => finish(() => reject(new InterruptedError()));
    const onData = (chunk: string): void => {
      const state = line.feed(chunk);
      if (state === 'interrupted') onAbort();
      else if (state === 'done') finish(() => resolve(line.text));
    };
    stdin.setRawMode(true);
    stdin.setEncoding('utf8');
    out.status('');
    process.stderr.write(question);
    signal.addEventListener('abort', onAbort, { once: true });
    stdin.on('data', onData);
    stdin.resume();
    if (early !== '') onData(early);
  });
}

/** A line as it is typed, key by key. */
class TypedLine {
  text = '';
  private readonly isShown: boolean;

  constructor(isShown: boolean) {
    this.isShown = isShown;
  }

  feed(chunk: string): 'more' | 'done' | 'interrupted' {
    const characters = Array.from(chunk);
    early = '';
    for (const [at, character] of characters.entries()) {
      if (character === '\u0003') return 'interrupted';
      if (character === '\r' || character === '\n' || character === '\u0004') {
        early = characters.slice(at + 1).join('');
        return 'done';
      }
      this.take(character);
    }
    return 'more';
  }

  private take(character: string): void {
    if (character === '\u007f' || character === '\b') {
      if (this.isShown && this.text !== '') process.stderr.write('\b \b');
      this.text = Array.from(this.text).slice(0, -1).join('');
    } else if (character >= ' ') {
      this.text += character;
      if (this.isShown) process.stderr.write(character);
    }
  }
}
