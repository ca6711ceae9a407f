/**
 * config.json of a data directory: read as it is, changed key by key, and never left half written.
 *
 * The file is the operator's. What is in it is checked by `load.ts`; here it is only JSON.
 */
import { readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { describeErrno, errnoName } from '../../events/errno.ts';
import { withFileErrors } from '../../storage/errors.ts';
import { syncFolder, writeNewFile } from '../../storage/folders.ts';
import { ConfigError } from './errors.ts';

export type ConfigFile = Readonly<Record<string, unknown>>;

/**
 * What the file holds; nothing where there is no file.
 * @throws ConfigError `config_unreadable`, or `config_invalid` where it is no JSON object
 */
export function readConfigFile(file: string): ConfigFile {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return {};
    const name = errnoName(error);
    if (name === undefined) throw error;
    throw new ConfigError('config_unreadable', [describeErrno(name, 'read', file)]);
  }
  const value = parsed(file, text.replace(/^\ufeff/, ''));
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new ConfigError('config_invalid', [
      `${file} must hold one JSON object, such as {"log_level":"info"}`,
    ]);
  return value as ConfigFile;
}

function parsed(file: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const [detail] = (error as Error).message.split('\n');
    throw new ConfigError('config_invalid', [`${file} is not JSON: ${detail}`]);
  }
}

/**
 * Replaces the file in one step: after a power cut the old one is there or the new one.
 * @throws StorageError
 */
export function writeConfigFile(file: string, content: ConfigFile): void {
  withFileErrors('write', file, () => {
    // A name of its own: two processes that write at once must not write into one draft.
    const draft = `${file}.${process.pid}.tmp`;
    rmSync(draft, { force: true });
    writeNewFile(draft, `${JSON.stringify(content, undefined, 2)}\n`);
    renameSync(draft, file);
    syncFolder(dirname(file));
  });
}
