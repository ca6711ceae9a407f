/**
 * What somebody who helps needs to see: versions, health, heads, settings, the list of files, the end of the logs.
 * Nothing of what members wrote, no keys, and no text that has not been through the redactor.
 */
import { randomBytes } from 'node:crypto';
import {
  createWriteStream,
  existsSync,
  linkSync,
  lstatSync,
  readdirSync,
  readFileSync,
  rmSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { arch, availableParallelism, homedir, platform, release, totalmem } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { pack } from 'tar-stream';
import { KEYSTORE_FILE } from '../../../crypto/keystore.ts';
import { type DirectoryLayout, layoutOf } from '../../../storage/directory.ts';
import type { Run } from '../context.ts';
import { lookAtHealth } from '../health/health.ts';
import { toWire, Verbatim } from '../json.ts';
import { givenPassword } from '../password.ts';
import { isSecretName, Redactor } from './redact.ts';

/** Enough for the hours before something went wrong. */
const LOG_BYTES_MAX = 1024 * 1024;
const LOG_FILES_MAX = 8;
/** Listings of more files than that say nothing more. */
const LISTED_MAX = 1_000;

export interface BundleFile {
  readonly name: string;
  readonly text: string;
}

/** Everything that goes into the bundle, redacted. */
export async function gatherSupport(run: Run, version: string): Promise<BundleFile[]> {
  const layout = layoutOf(run.path(run.data));
  const redactor = new Redactor(await knownSecrets(run, layout));
  const json = (value: unknown): string => `${JSON.stringify(redactor.value(toWire(value)), null, 2)}\n`;
  const health = await lookAtHealth(run, false);
  const config = readIfThere(layout.config);
  const files: BundleFile[] = [
    { name: 'machine.json', text: json(describeMachine(version)) },
    { name: 'health.json', text: json(health) },
    { name: 'environment.json', text: json(new Verbatim(settingsOf(run.env))) },
    { name: 'files.txt', text: redactor.text(listFiles(layout.root)) },
    ...(config === undefined ? [] : [{ name: 'config.json', text: redactedConfig(config, redactor) }]),
    ...(await lastOfLogs(logFolder(run, config))).map(({ name, text }) => ({
      name: `logs/${redactor.text(name)}`,
      text: redactor.text(text),
    })),
  ];
  const home = homedir();
  // A home says who somebody is, and nothing about what went wrong.
  return files.map(({ name, text }) => ({ name, text: home.length > 1 ? text.replaceAll(home, '~') : text }));
}

async function knownSecrets(run: Run, layout: DirectoryLayout): Promise<string[]> {
  const named = Object.entries(run.env).filter(([name]) => isSecretName(name));
  const password = await givenPassword(run.terminal, run.options.passwordFile, run.env);
  return [
    ...named.flatMap(([, value]) => value ?? []),
    ...(password === undefined ? [] : [password]),
    ...openSeeds(readIfThere(join(layout.keys, KEYSTORE_FILE))),
  ];
}

/** Seeds that lie open in a key store without a password. A damaged one may hold them anywhere: all its long hex. */
function openSeeds(keystore: string | undefined): string[] {
  const publicKeys = new Set(
    Array.from(keystore?.matchAll(/"publicKey":\s*"([0-9a-f]+)"/g) ?? [], ([, key]) => key!),
  );
  const hex = Array.from(keystore?.matchAll(/[0-9a-f]{32,}/gi) ?? [], ([text]) => text);
  return hex.filter((text) => !publicKeys.has(text));
}

function readIfThere(path: string): string | undefined {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}

function describeMachine(version: string) {
  return {
    program: version,
    node: process.versions.node,
    platform: platform(),
    release: release(),
    arch: arch(),
    cores: availableParallelism(),
    memory: totalmem(),
    uptimeSeconds: Math.round(process.uptime()),
    memoryUsed: process.memoryUsage.rss(),
    time: new Date().toISOString(),
  };
}

/** The settings of this program and those that its behaviour depends on; nothing else of the environment. */
function settingsOf(env: NodeJS.ProcessEnv): Record<string, string | undefined> {
  const wanted = /^(LB_.*|NODE_OPTIONS|NO_COLOR|FORCE_COLOR|TERM|LANG|LC_.*|TZ|XDG_CONFIG_HOME)$/;
  return Object.fromEntries(Object.entries(env).filter(([name]) => wanted.test(name)));
}

function redactedConfig(text: string, redactor: Redactor): string {
  try {
    return `${JSON.stringify(redactor.value(JSON.parse(text)), null, 2)}\n`;
  } catch {
    return redactor.text(text);
  }
}

/** Mode, size and name of what lies in the directory. */
function listFiles(root: string): string {
  if (!existsSync(root)) return `${root} does not exist\n`;
  const names = readdirSync(root, { recursive: true, encoding: 'utf8' }).sort();
  const lines = names.slice(0, LISTED_MAX).map((name) => {
    const stats = lstatSync(join(root, name), { throwIfNoEntry: false });
    return stats === undefined
      ? name
      : `${(stats.mode & 0o7777).toString(8).padStart(4, '0')} ${stats.size} ${name}`;
  });
  const more = names.length > LISTED_MAX ? [`and ${names.length - LISTED_MAX} more`] : [];
  return `${[...lines, ...more].join('\n')}\n`;
}

function logFolder(run: Run, config: string | undefined): string | undefined {
  if (run.env.LB_LOG_DIR) return run.path(run.env.LB_LOG_DIR);
  try {
    const { log_dir: dir } = JSON.parse(config ?? '{}') as { log_dir?: unknown };
    return typeof dir === 'string' && dir !== '' ? run.path(dir) : undefined;
  } catch {
    return undefined;
  }
}

/** The ends of the newest logs, from the first whole line on. */
async function lastOfLogs(folder: string | undefined): Promise<BundleFile[]> {
  if (folder === undefined || !existsSync(folder)) return [];
  const logs = readdirSync(folder)
    .map((name) => ({ name, stats: lstatSync(join(folder, name), { throwIfNoEntry: false }) }))
    .filter(({ name, stats }) => stats?.isFile() === true && /log/i.test(name) && !/\.gz$/.test(name))
    .sort((a, b) => b.stats!.mtimeMs - a.stats!.mtimeMs);
  return Promise.all(
    logs.slice(0, LOG_FILES_MAX).map(async ({ name }) => ({ name, text: await endOf(join(folder, name)) })),
  );
}

async function endOf(path: string): Promise<string> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const start = Math.max(0, size - LOG_BYTES_MAX);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(size - start), 0, size - start, start);
    const text = buffer.toString('utf8', 0, bytesRead);
    return start === 0 ? text : text.slice(text.indexOf('\n') + 1);
  } finally {
    await file.close();
  }
}

/** Writes the files as one tar, readable by its owner only; a file that is there already is left as it is. */
export async function writeBundle(path: string, files: readonly BundleFile[]): Promise<void> {
  const draft = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}.partial`);
  const archive = pack();
  for (const { name, text } of files) archive.entry({ name, mode: 0o600 }, text);
  archive.finalize();
  try {
    await pipeline(archive, createWriteStream(draft, { flags: 'wx', mode: 0o600, flush: true }));
    linkSync(draft, path);
  } catch (error) {
    // The draft is nobody's business; the name that was asked for is.
    if (error instanceof Error && 'path' in error) error.path = path;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}
