import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import { TLSSocket } from 'node:tls';
import type { Logger } from 'pino';
import { BodyTooLarge, receiveBody } from '../exchange/body.ts';
import { errors, type Refusal } from '../exchange/errors.ts';
import type { ServePeer } from '../exchange/serve-peer.ts';
import { NotStamped } from '../time-stamps/stamping.ts';
import {
  envelopeHeader,
  headersToWire,
  largestHead,
  requestFromWire,
  signatureToWire,
  toWire,
} from './envelope.ts';
import type { PeerIdentity } from './peer-client.ts';
import { type Certificates, PeerNotAuthenticated, type PeerTrust } from './peer-trust.ts';

export interface PeerServerOptions {
  readonly host: string;
  readonly port: number;
  readonly identity: PeerIdentity;
  readonly trust: PeerTrust;
  readonly certificates: Certificates;
  readonly serve: ServePeer;
  readonly bodyLimit: number;
  readonly log: Logger;
}

export interface PeerServer {
  /** Presents another certificate from the next connection on. */
  renew(identity: PeerIdentity): void;
  close(patienceMs: number): Promise<void>;
}

/** Where the other security servers bring their requests (x-road.md 6): mutual TLS, one request at a time and socket. */
export async function openPeerServer(options: PeerServerOptions): Promise<PeerServer> {
  const { trust, certificates, serve, bodyLimit, log } = options;

  function refuse(response: ServerResponse, { kind, message }: Refusal): void {
    response
      .writeHead(errors[kind].strict, { 'content-type': 'application/json', connection: 'close' })
      .end(JSON.stringify({ kind, message }));
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { socket } = request;
    const der = socket instanceof TLSSocket ? socket.getPeerCertificate().raw : undefined;
    const server = await trust.identify(der);
    const envelope = requestFromWire(request.headers[envelopeHeader]);
    if (request.method !== 'POST' || request.url !== '/peer/v1/exchanges' || !envelope)
      return refuse(response, { kind: 'badRequest', message: 'This is not an exchange' });
    const hungUp = new AbortController();
    response.once('close', () => {
      if (!response.writableEnded) hungUp.abort();
    });
    const body = await receiveBody(request, bodyLimit);
    try {
      const answered = await serve(envelope, body, server, hungUp.signal);
      if ('kind' in answered) return refuse(response, answered);
      const { response: given, witnessed } = answered;
      const { signature } = witnessed;
      const certificate = signature && (await certificates.certificateOf(signature.keyId));
      if (!signature || !certificate)
        throw new Error('the response has no signature another server could check');
      response.once('close', () => given.body.release());
      response.writeHead(200, {
        [envelopeHeader]: toWire({
          status: given.status,
          headers: headersToWire(given.headers),
          signature: signatureToWire({ ...signature, certificate }),
        }),
        'content-type': 'application/octet-stream',
        'content-length': given.body.size,
      });
      if (given.body.bytes) response.end(given.body.bytes);
      else given.body.stream().pipe(response);
    } finally {
      body.release();
    }
  }

  const server: Server = createServer(
    {
      cert: options.identity.certificate,
      key: options.identity.key,
      minVersion: 'TLSv1.3',
      requestCert: true,
      rejectUnauthorized: false,
      maxHeaderSize: largestHead,
    },
    (request, response) => {
      answer(request, response).catch((error: Error) => {
        if (response.headersSent) return response.destroy();
        if (error instanceof PeerNotAuthenticated) {
          log.warn({ security: 'server-not-authenticated', reason: error.message }, 'refused');
          return refuse(response, {
            kind: 'serverNotAuthenticated',
            message: 'The consumer’s security server did not prove itself',
          });
        }
        if (error instanceof BodyTooLarge)
          return refuse(response, {
            kind: 'bodyTooLarge',
            message: `The body is larger than the ${bodyLimit} bytes this mediator carries`,
          });
        log.error({ err: error }, 'a request of another server failed');
        refuse(
          response,
          error instanceof NotStamped
            ? {
                kind: 'providerTimestampingFailed',
                message: 'This service wants a time stamp, and none could be had',
              }
            : {
                kind: 'providerLoggingFailed',
                message: 'The evidence of this exchange could not be written',
              },
        );
      });
    },
  );
  server.requestTimeout = 600_000;
  server.headersTimeout = 30_000;
  server.keepAliveTimeout = 120_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, () => {
      server.removeListener('error', reject);
      resolve();
    });
  });
  return {
    renew: ({ certificate, key }) =>
      server.setSecureContext({ cert: certificate, key, minVersion: 'TLSv1.3' }),
    async close(patienceMs) {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      const timer = setTimeout(() => server.closeAllConnections(), patienceMs);
      await closed;
      clearTimeout(timer);
    },
  };
}
