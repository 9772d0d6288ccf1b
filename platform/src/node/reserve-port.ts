import { type AddressInfo, createServer, type Server } from 'node:net';

/** A TCP port that is this process's own before anything is served on it. */
export interface ReservedPort {
  readonly port: number;
  /** Holds the port; `listen` takes it over. */
  readonly holder: Server;
  /** Gives up the port. Once a listener has taken it over, closing that listener does. */
  release(): void;
}

/**
 * Takes a port (0: any free one) at once, for an address that must be known before the listener opens. A number that
 * was merely seen free may be gone by then: the operating system hands it to the next outgoing connection.
 * Rejects with `EADDRINUSE` when another program has it.
 */
export async function reservePort(port: number, host = '127.0.0.1'): Promise<ReservedPort> {
  const holder = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve, reject) => {
    holder.once('error', reject);
    holder.listen(port, host, () => {
      holder.removeListener('error', reject);
      resolve();
    });
  });
  return {
    port: (holder.address() as AddressInfo).port,
    holder,
    release: () => void holder.close(() => undefined),
  };
}
