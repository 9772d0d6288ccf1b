import { TLSSocket } from 'node:tls';
import type { Logger } from 'pino';
import { buildConnector, Pool } from 'undici';
import { receiveBody } from '../exchange/body.ts';
import { isErrorKind, type Refusal } from '../exchange/errors.ts';
import { headerValue } from '../exchange/headers.ts';
import type { GlobalConfiguration, SecurityServer } from '../global-configuration/configuration.ts';
import {
  envelopeHeader,
  headersToWire,
  largestHead,
  responseFromWire,
  signatureFromWire,
  signatureToWire,
  toWire,
} from './envelope.ts';
import { type Certificates, fingerprint, PeerNotAuthenticated, type PeerTrust } from './peer-trust.ts';
import type { Forwarded, PeerAnswer, PeerRefusal, Peers } from './peers.ts';

export interface PeerIdentity {
  /** PEM of this server's authentication certificate and key. */
  readonly certificate: string;
  readonly key: string;
}

export interface PeerClientOptions {
  readonly configuration: GlobalConfiguration;
  readonly certificates: Certificates;
  readonly trust: PeerTrust;
  readonly identity: () => Promise<PeerIdentity>;
  /** Milliseconds that the other server has to answer. */
  readonly timeoutMs: number;
  readonly largestAnswer: number;
  readonly log: Logger;
}

const connectMs = 10_000;

/** Nothing was sent: no connection came about, or not to whom it should. */
const notSent = (error: unknown): boolean =>
  error instanceof PeerNotAuthenticated ||
  /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT)$/.test(
    (error as { code?: string }).code ?? '',
  );

const refusalFrom = (error: unknown): Refusal => {
  const { name, code } = error as { name?: string; code?: string };
  if (error instanceof PeerNotAuthenticated)
    return { kind: 'peerNotAuthenticated', message: 'The provider’s security server did not prove itself' };
  if (name === 'TimeoutError' || code === 'UND_ERR_CONNECT_TIMEOUT')
    return { kind: 'peerTimeout', message: 'The provider’s security server did not answer in time' };
  if (name === 'AbortError')
    return { kind: 'aborted', message: 'The client gave up before the provider answered' };
  return { kind: 'peerUnreachable', message: 'The provider’s security server could not be reached' };
};

interface Connections {
  readonly pool: Pool;
  readonly identity: string;
}

/** Reaches the other security servers over mutual TLS. A request is sent once; it is never sent again. */
export function openPeers(options: PeerClientOptions): Peers {
  const { configuration, certificates, trust, log } = options;
  const known = new Map<string, Connections>();
  /** Of several servers of an application, the one that answered last is asked first. */
  const preferred = new Map<string, string>();

  /** The certificate with which a server last proved itself. */
  const lastSeen = new Map<string, Buffer>();

  async function poolOf(server: SecurityServer): Promise<Pool> {
    const { certificate, key } = await options.identity();
    const identity = [server.address, ...server.certificates, certificate].join(' ');
    const before = known.get(server.id);
    if (before?.identity === identity) return before.pool;
    // Its address or a certificate changed: old connections are bound to what was.
    void before?.pool.close();
    const connector = buildConnector({
      cert: certificate,
      key,
      // The other side is recognised by the signed configuration, not by a name.
      rejectUnauthorized: false,
      minVersion: 'TLSv1.3',
      timeout: connectMs,
      // A resumed session does not show the other side's certificate.
      maxCachedSessions: 0,
    });
    const pool = new Pool(server.address, {
      connections: 64,
      maxHeaderSize: largestHead,
      headersTimeout: 0,
      bodyTimeout: 0,
      connect: (target, done) =>
        connector(target, (error, socket) => {
          if (error) return done(error, null);
          authenticate(server, socket as TLSSocket).then(
            () => done(null, socket as TLSSocket),
            (failure: Error) => {
              socket?.destroy();
              done(failure, null);
            },
          );
        }),
    });
    known.set(server.id, { pool, identity });
    return pool;
  }

  async function authenticate(server: SecurityServer, socket: TLSSocket): Promise<void> {
    const der = socket instanceof TLSSocket ? socket.getPeerCertificate().raw : undefined;
    const found = await trust.identify(der);
    if (found.id !== server.id) throw new PeerNotAuthenticated(`it is ${found.id}`);
    if (der) lastSeen.set(server.id, der);
  }

  /** A certificate may have been revoked since its connection was made. */
  async function stillAuthentic(server: SecurityServer): Promise<void> {
    const der = lastSeen.get(server.id);
    if (!der) return;
    try {
      if (!server.certificates.includes(fingerprint(der)))
        throw new PeerNotAuthenticated('its certificate is not registered any more');
      await trust.identify(der);
    } catch (error) {
      lastSeen.delete(server.id);
      void known.get(server.id)?.pool.destroy();
      known.delete(server.id);
      throw error;
    }
  }

  async function send(
    server: SecurityServer,
    { request, facts, headers, signature }: Forwarded,
  ): Promise<PeerAnswer | PeerRefusal> {
    const certificate = await certificates.certificateOf(signature.keyId);
    if (!certificate) throw new Error(`the signing key of ${signature.signer} has no certificate`);
    await stillAuthentic(server);
    const pool = await poolOf(server);
    const { exchangeId, messageId, client, operator, service, correlationId, traceId } = facts;
    const timeout = AbortSignal.timeout(options.timeoutMs);
    const response = await pool.request({
      method: 'POST',
      path: '/peer/v1/exchanges',
      headers: {
        [envelopeHeader]: toWire({
          exchangeId,
          messageId,
          client,
          ...(operator === undefined ? {} : { operator }),
          service,
          method: request.method,
          path: request.path,
          correlationId,
          traceId,
          headers: headersToWire(headers),
          signature: signatureToWire({ ...signature, certificate }),
        }),
        'content-type': 'application/octet-stream',
        'content-length': String(request.body.size),
      },
      body: request.body.size === 0 ? null : (request.body.bytes ?? request.body.stream()),
      signal: request.signal ? AbortSignal.any([request.signal, timeout]) : timeout,
    });
    const body = await receiveBody(response.body, options.largestAnswer).catch((error: Error) => {
      response.body.destroy();
      throw error;
    });
    const envelope = responseFromWire(response.headers[envelopeHeader]);
    if (envelope)
      return {
        server: server.id,
        response: { status: envelope.status, headers: envelope.headers, body },
        signature: signatureFromWire(envelope.signature),
      };
    const refusal = refusalOf(body.bytes);
    body.release();
    return { refusal, server: server.id };
  }

  /** The other server refused the transport itself, so nothing is signed. */
  function refusalOf(bytes: Buffer | undefined): Refusal {
    try {
      const { kind, message } = JSON.parse(bytes?.toString('utf8') ?? '') as Record<string, unknown>;
      if (isErrorKind(kind) && typeof message === 'string') return { kind, message };
    } catch {
      // Not a refusal of ours.
    }
    return { kind: 'inconsistentResponse', message: 'The provider’s security server was not understood' };
  }

  return {
    route(application) {
      const servers = configuration.serversOf(application);
      return servers.length === 0 || servers.some(({ id }) => id === configuration.server)
        ? undefined
        : servers;
    },
    async call(servers, forwarded) {
      const wanted = headerValue(forwarded.request.headers, 'x-road-security-server');
      const named = wanted === undefined ? servers : servers.filter(({ id }) => id === wanted);
      const [first] = named;
      if (!first)
        return {
          refusal: {
            kind: 'badRequest',
            message: 'X-Road-Security-Server names a server without this service',
          },
          server: undefined,
        };
      const working = named.filter(({ maintenance }) => maintenance === undefined);
      if (working.length === 0)
        return {
          refusal: { kind: 'peerInMaintenance', message: first.maintenance as string },
          server: first.id,
        };
      const application = forwarded.facts.service;
      const ordered = working.toSorted(
        (a, b) => Number(b.id === preferred.get(application)) - Number(a.id === preferred.get(application)),
      );
      let refused: PeerRefusal | undefined;
      for (const server of ordered) {
        try {
          const answer = await send(server, forwarded);
          preferred.set(application, server.id);
          return answer;
        } catch (error) {
          log.warn({ err: error, server: server.id, exchangeId: forwarded.facts.exchangeId }, 'no exchange');
          refused = { refusal: refusalFrom(error), server: server.id };
          if (!notSent(error)) break;
        }
      }
      return refused as PeerRefusal;
    },
    signerFault: trust.signerFault,
    async close() {
      await Promise.all([...known.values()].map(({ pool }) => pool.destroy()));
    },
  };
}
