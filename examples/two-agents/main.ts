/**
 * The smallest demonstration of the whole idea, `npm run demo:two-agents`: two processes, two nodes, one group. One
 * agent has work and the other does it; what happened is one signed history on both.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const directory = mkdtempSync(join(tmpdir(), 'lb-two-agents-'));
const startMs = performance.now();

function agent(name: 'requester' | 'provider', args: readonly string[]): ChildProcess {
  const program = join(import.meta.dirname, `${name}.ts`);
  return spawn(process.execPath, [program, join(directory, name), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

/** Prints what an agent says, and resolves to its exit code; `hear` gets each line. */
function follow(
  name: string,
  child: ChildProcess,
  hear: (line: Record<string, string>) => void,
): Promise<number> {
  createInterface({ input: child.stdout! }).on('line', (text) => {
    const line = JSON.parse(text) as Record<string, string>;
    hear(line);
    const { did = 'wrote an invite', ...rest } = line;
    const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
    const details = Object.entries(rest).map(([key, value]) => `${key} ${String(value).slice(0, 60)}`);
    console.log(`${seconds.padStart(5)} s  ${name.padEnd(9)}  ${[did, ...details].join(' · ')}`);
  });
  return new Promise((resolve) => child.once('exit', (exitCode) => resolve(exitCode ?? 1)));
}

const requester = agent('requester', []);
let provided: Promise<number> | undefined;
const requested = follow('requester', requester, ({ code }) => {
  if (code !== undefined) provided = follow('provider', agent('provider', [code]), () => {});
});
const exitCodes = [await requested, (await provided) ?? 1];
rmSync(directory, { recursive: true, force: true });
console.log(exitCodes.every((code) => code === 0) ? 'both agents are done' : 'an agent failed');
process.exitCode = Math.max(...exitCodes);
