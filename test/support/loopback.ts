/** Nodes of tests listen on the loopback alone; none looks for others on the local network, or is found there. */
export const LOOPBACK: NodeJS.ProcessEnv = { LB_P2P_HOST: '127.0.0.1', LB_P2P_MDNS: 'false' };
