import type { IncomingMessage } from 'node:http';
import { TLSSocket } from 'node:tls';

/** What the connection itself tells of a client. */
export interface ClientConnection {
  readonly encrypted: boolean;
  /** SHA-256 of the client's certificate (DER), lower-case hex. */
  readonly certificate: string | undefined;
  /** The client is on the machine of the mediator. */
  readonly thisMachine: boolean;
}

const loopback = /^(127\.|::1$|::ffff:127\.)/;

export function connectionOf({ socket }: IncomingMessage): ClientConnection {
  const tls = socket instanceof TLSSocket ? socket : undefined;
  const fingerprint = tls?.getPeerCertificate()?.fingerprint256;
  return {
    encrypted: tls !== undefined,
    certificate: fingerprint?.replaceAll(':', '').toLowerCase(),
    thisMachine: loopback.test(socket.remoteAddress ?? ''),
  };
}
