/** The data directory: whether it is one, who may read it, what lies about in it, and what its configuration asks. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { KEYSTORE_FILE } from '../../../crypto/keystore.ts';
import { type DirectoryLayout, layoutOf, openDirectory } from '../../../storage/directory.ts';
import { ConfigError } from '../../config/errors.ts';
import type { SettingName, Settings } from '../../config/schema.ts';
import { failureOf } from '../failures.ts';
import { shellWord } from '../text.ts';
import { critical, type Finding, ok, warning } from './finding.ts';

/** Permissions of the group and of everybody. */
const OTHERS = 0o077;

/** A failure as a finding; the advice is in its message. */
export function findingOf(check: string, error: unknown): Finding {
  const failure = failureOf(error);
  return critical(check, failure?.message ?? String(error), 'see the message');
}

/** Whether there is a data directory at all. Nothing else about it can be said without. */
export function checkDirectory(dir: string): Finding {
  const layout = layoutOf(dir);
  if (!existsSync(layout.root))
    return critical(
      'directory',
      `${layout.root} does not exist`,
      'name another with --data, or make it: lb init',
    );
  try {
    openDirectory(dir);
    return ok('directory', layout.root);
  } catch (error) {
    return findingOf('directory', error);
  }
}

/** Who else on this machine may look. Windows has other means than modes. */
export function checkModes(layout: DirectoryLayout): Finding[] {
  if (process.platform === 'win32') return [];
  const keystore = join(layout.keys, KEYSTORE_FILE);
  if (!existsSync(keystore))
    return [
      critical('keys', `there is no key store at ${keystore}`, 'restore the data directory from a backup'),
    ];
  const { mode } = statSync(keystore);
  const root = statSync(layout.root).mode;
  return [
    (mode & OTHERS) === 0
      ? ok('key_file_mode', 'readable by its owner only')
      : critical(
          'key_file_mode',
          `${keystore} has mode ${(mode & 0o777).toString(8)}: others on this machine may use the keys`,
          `chmod 600 ${shellWord(keystore)}`,
        ),
    (root & OTHERS) === 0
      ? ok('directory_mode', 'open to its owner only')
      : warning(
          'directory_mode',
          `${layout.root} has mode ${(root & 0o777).toString(8)}: others on this machine may read what groups keep to themselves`,
          `chmod 700 ${shellWord(layout.root)}`,
        ),
  ];
}

/** What an interrupted change of the keys left. */
export function checkLeftovers(layout: DirectoryLayout): Finding[] {
  const left = existsSync(layout.keys)
    ? readdirSync(layout.keys).filter((name) => name.endsWith('.tmp'))
    : [];
  if (left.length === 0) return [];
  const message = `${left.length} unfinished key files are left from an interrupted change`;
  return [warning('leftovers', message, 'they go with the next change of the keys, such as a new password')];
}

/** The configuration as the node would take it, and the ports that it names. */
export async function checkConfig(
  layout: DirectoryLayout,
  env: NodeJS.ProcessEnv,
  isUp: boolean,
): Promise<Finding[]> {
  const { loadConfig } = await import('../../config/load.ts');
  try {
    const { settings } = loadConfig({ data: layout.root, env });
    const ports = portsOf(settings).map((port) => checkPort(port, isUp));
    return [ok('config', 'every setting is in order'), ...(await Promise.all(ports))];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems.map((problem) =>
      critical('config', problem, 'see what may be set: lb config list'),
    );
  }
}

/** A port that a setting names, and the address that it would be opened on. */
export interface NamedPort {
  readonly name: SettingName;
  readonly port: number;
  readonly host: string;
}

/** The ports of the settings; 0 lets the system choose. */
export function portsOf({
  metrics_port,
  metrics_host,
  http_port,
  http_host,
  p2p_port,
  p2p_host,
}: Settings): NamedPort[] {
  const named: [SettingName, number | undefined, string][] = [
    ['metrics_port', metrics_port, metrics_host],
    ['http_port', http_port, http_host],
    ['p2p_port', p2p_port, p2p_host],
  ];
  return named.flatMap(([name, port = 0, host]) => (port === 0 ? [] : [{ name, port, host }]));
}

async function checkPort({ name, port, host }: NamedPort, isUp: boolean): Promise<Finding> {
  const check = `port_${port}`;
  const failure = await new Promise<NodeJS.ErrnoException | undefined>((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error));
    server.listen(port, host, () => server.close(() => resolve(undefined)));
  });
  if (failure === undefined) return ok(check, `${name}: free`);
  if (failure.code === 'EADDRINUSE' && isUp) return ok(check, `${name}: in use while the node is up`);
  if (failure.code === 'EADDRINUSE')
    return warning(
      check,
      `${name}: another program uses port ${port}`,
      `stop it, or choose another port for ${name}`,
    );
  return critical(
    check,
    `${name}: ${failure.message}`,
    `choose another port for ${name}; those below 1024 are reserved`,
  );
}
