import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { FastifyInstance } from 'fastify';

export interface ClientListenerOptions {
  readonly host: string;
  readonly port: number;
  /** PEM files. */
  readonly certificateFile: string;
  readonly keyFile: string;
}

export interface ClientListener {
  /** Takes no new requests and waits for those in flight, at most `patienceMs`. */
  close(patienceMs: number): Promise<void>;
}

/**
 * A listener of its own for applications that prove themselves by a TLS certificate: browsers, which share the node's
 * public listener, are not to be asked for one. It serves the exchange interface and nothing else.
 */
export async function openClientListener(
  fastify: FastifyInstance,
  paths: readonly string[],
  { host, port, certificateFile, keyFile }: ClientListenerOptions,
): Promise<ClientListener> {
  const serves = (url: string): boolean =>
    paths.some((path) => url === path || url.startsWith(`${path}/`) || url.startsWith(`${path}?`));
  const server = createServer(
    {
      cert: readFileSync(certificateFile),
      key: readFileSync(keyFile),
      minVersion: 'TLSv1.3',
      requestCert: true,
      // Certificates are recognised by the directory, whoever issued them.
      rejectUnauthorized: false,
    },
    (request, response) => {
      if (serves(request.url ?? '')) fastify.routing(request, response);
      else response.writeHead(404, { 'content-type': 'text/plain' }).end('not found\n');
    },
  );
  server.requestTimeout = 600_000;
  server.headersTimeout = 30_000;
  server.keepAliveTimeout = 65_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.removeListener('error', reject);
      resolve();
    });
  });
  return {
    async close(patienceMs) {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      const timer = setTimeout(() => server.closeAllConnections(), patienceMs);
      await closed;
      clearTimeout(timer);
    },
  };
}
