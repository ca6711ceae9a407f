/** A node that is up as a process of its own, as a user runs it: what is done to it is seen from outside alone. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { type Socket, connect as tcpConnect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { LOOPBACK } from './loopback.ts';

const MAIN = join(import.meta.dirname, '../../interfaces/cli/main.ts');

/** A line of the log, as JSON. */
interface LogLine {
  readonly msg: string;
  readonly [field: string]: unknown;
}

export class Victim {
  readonly data: string;
  /** Its key on the network, and where it listens. */
  readonly key: string;
  readonly addresses: readonly string[];
  private readonly child: ChildProcess;
  private readonly base: string;

  private constructor(base: string, child: ChildProcess, network: { key: string; addresses: string[] }) {
    this.base = base;
    this.data = join(base, 'node');
    this.child = child;
    this.key = network.key;
    this.addresses = network.addresses.map((address) => address.replace(/\/p2p\/.*$/, ''));
  }

  /** Starts `lb up` on a new node, with its log in files and its metrics on a port. */
  static async start(env: NodeJS.ProcessEnv = {}): Promise<Victim> {
    const base = mkdtempSync(join(tmpdir(), 'lb-victim-'));
    const data = join(base, 'node');
    const options = {
      env: {
        ...process.env,
        ...LOOPBACK,
        LB_DATA: data,
        LB_LOG_DIR: join(base, 'logs'),
        LB_LOG_JSON: 'true',
        LB_METRICS_PORT: '0',
        ...env,
      },
    };
    await ended(spawn(process.execPath, [MAIN, 'init'], { ...options, stdio: 'ignore' }));
    const child = spawn(process.execPath, [MAIN, 'up', '--json'], {
      ...options,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const first = await createInterface({ input: child.stdout! })[Symbol.asyncIterator]().next();
    if (first.done) throw new Error('lb up ended before it was up');
    const { network } = (
      JSON.parse(first.value) as { data: { network: { key: string; addresses: string[] } } }
    ).data;
    return new Victim(base, child, network);
  }

  get isAlive(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Memory that is the process's own, in bytes: neither files of the database nor the program's. */
  get anonymousBytes(): number {
    const status = readFileSync(`/proc/${this.child.pid}/status`, 'utf8');
    return Number(/^RssAnon:\s+(\d+) kB$/m.exec(status)![1]) * 1024;
  }

  /** What the log says under a name. */
  logged(msg: string): LogLine[] {
    const logs = join(this.base, 'logs');
    return readdirSync(logs)
      .flatMap((name) => readFileSync(join(logs, name), 'utf8').split('\n'))
      .filter((line) => line.endsWith('}'))
      .map((line) => JSON.parse(line) as LogLine)
      .filter((line) => line.msg === msg);
  }

  /** The value of a series, as a monitor reads it; nothing where there is no such series. */
  async metric(series: string): Promise<number | undefined> {
    const { port } = this.logged('monitors are answered')[0]!;
    const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    const line = text.split('\n').find((one) => one.startsWith(`${series} `));
    return line === undefined ? undefined : Number(line.slice(series.length + 1));
  }

  /** Opens connections to it from an address, and says nothing on them. */
  knock(from: string, count: number): { sockets: Socket[]; closed(): number } {
    const port = Number(this.addresses[0]!.split('/').at(-1));
    let closed = 0;
    const sockets = Array.from({ length: count }, () => {
      const socket = tcpConnect({ host: '127.0.0.1', port, localAddress: from });
      socket.on('error', () => {});
      return socket.on('close', () => closed++);
    });
    return { sockets, closed: () => closed };
  }

  async stop(): Promise<void> {
    const end = ended(this.child);
    this.child.kill('SIGTERM');
    await end;
    rmSync(this.base, { recursive: true, force: true });
  }
}

function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => child.once('exit', () => resolve()));
}
