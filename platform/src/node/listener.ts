import {
  createServer as createHttpServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import type { ReservedPort } from './reserve-port.ts';

export interface ListenOptions {
  readonly host?: string;
  /** 0: any free port. A reserved port brings its own host. */
  readonly port: number | ReservedPort;
  /** PEM certificate and key. Required as soon as the host is not loopback (CFR-SEC-1). */
  readonly tls?: { readonly certificate: string; readonly key: string };
}

export interface Mount {
  readonly prefix: string;
  readonly fastify: FastifyInstance;
}

const loopback = new Set(['127.0.0.1', '::1', 'localhost']);

const matches = (path: string, prefix: string): boolean =>
  prefix === '/' || path === prefix || path.startsWith(`${prefix}/`) || path.startsWith(`${prefix}?`);

export interface Listener {
  readonly url: string;
  /** Takes no new requests, waits for the ones in flight, at most `drainMs`. */
  close(drainMs: number): Promise<void>;
}

/** One socket for all public paths of a node; the longest matching prefix wins. */
export async function listen(mounts: readonly Mount[], options: ListenOptions): Promise<Listener> {
  const host = options.host ?? '127.0.0.1';
  if (!loopback.has(host) && !options.tls) {
    throw new Error(
      `refusing to serve plain HTTP on ${host}: outside loopback a TLS certificate and key are required`,
    );
  }
  const ordered = [...mounts].sort((a, b) => b.prefix.length - a.prefix.length);
  const inFlight = new Set<ServerResponse>();
  let closing = false;
  const handle = (request: IncomingMessage, response: ServerResponse): void => {
    inFlight.add(response);
    if (closing) response.setHeader('connection', 'close');
    response.once('close', () => {
      inFlight.delete(response);
      // Its headers may have gone out before the closing began.
      if (closing) server.closeIdleConnections();
    });
    const path = request.url ?? '/';
    const mount = ordered.find((candidate) => matches(path, candidate.prefix));
    if (mount) mount.fastify.routing(request, response);
    else response.writeHead(404, { 'content-type': 'text/plain' }).end('not found\n');
  };
  const server: Server = options.tls
    ? createHttpsServer(
        { cert: options.tls.certificate, key: options.tls.key, minVersion: 'TLSv1.3' },
        handle,
      )
    : createHttpServer(handle);
  server.requestTimeout = 120_000;
  server.headersTimeout = 30_000;
  server.keepAliveTimeout = 65_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    const listening = (): void => {
      server.removeListener('error', reject);
      resolve();
    };
    if (typeof options.port === 'object') server.listen(options.port.holder, listening);
    else server.listen(options.port, host === 'localhost' ? '127.0.0.1' : host, listening);
  });
  const address = server.address() as AddressInfo;
  const shown = loopback.has(host) ? 'localhost' : host;
  return {
    url: `${options.tls ? 'https' : 'http'}://${shown}:${address.port}`,
    async close(drainMs) {
      closing = true;
      for (const response of inFlight) if (!response.headersSent) response.setHeader('connection', 'close');
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      const timer = setTimeout(() => server.closeAllConnections(), drainMs);
      await closed;
      clearTimeout(timer);
    },
  };
}
