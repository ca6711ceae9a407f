/** The place of the network in a node: empty, or held by one that runs. */
import type { Telemetry } from '../actors/telemetry.ts';
import type { NetworkService } from './network-service.ts';
import type { NetworkOptions } from './network-types.ts';
import type { NetworkPort } from './port.ts';

export class NetworkSlot {
  private readonly port: NetworkPort;
  private readonly telemetry: Telemetry | undefined;
  private starting: Promise<NetworkService> | undefined;
  private running: NetworkService | undefined;

  constructor(port: NetworkPort, telemetry: Telemetry | undefined) {
    this.port = port;
    this.telemetry = telemetry;
  }

  /** The network that runs. */
  get current(): NetworkService | undefined {
    return this.running;
  }

  /** Starts a network, or gives the one that is there. */
  start(options: NetworkOptions): Promise<NetworkService> {
    this.starting ??= this.begin(options).catch((error: unknown) => {
      this.starting = undefined;
      throw error;
    });
    return this.starting;
  }

  private async begin(options: NetworkOptions): Promise<NetworkService> {
    // Loaded late: most uses of a node need no network, and it is large.
    const { NetworkService } = await import('./network-service.ts');
    const network = await NetworkService.start(this.port, options);
    this.running = network;
    this.telemetry?.networkStarted(network.gauges());
    return network;
  }

  /** Ends the network, also one that is just starting; another may be started afterwards. */
  async stop(): Promise<void> {
    const { starting } = this;
    if (starting === undefined) return;
    // One that could not start needs no end, and whoever started it has heard.
    const network = await starting.catch(() => undefined);
    this.starting = undefined;
    this.running = undefined;
    if (network === undefined) return;
    this.telemetry?.networkStopped();
    await network.stop();
  }
}
