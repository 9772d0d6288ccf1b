import { createHash } from 'node:crypto';
import { clientAssertionHeader } from '@govstack/platform';
import { decodeJwt, importJWK, type JWK, jwtVerify } from 'jose';
import type { Directory } from '../../directory/directory.ts';
import type { Refusal } from '../../exchange/errors.ts';
import { type HeaderList, headerValues } from '../../exchange/headers.ts';
import type { ClientConnection } from './client-connection.ts';
import type { SpentAssertions } from './spent-assertions.ts';

/** Who sends, and for whom. */
export interface AuthenticatedClient {
  readonly client: string;
  readonly sender: string;
}

export type Authenticate = (
  headers: HeaderList,
  connection: ClientConnection,
) => Promise<AuthenticatedClient | Refusal>;

/** Names under which clients of different generations say who they are. */
const clientHeaders = ['x-road-client', 'x-govstack-client', 'information-mediator-client'];

const maxAgeSeconds = 60;
const clockToleranceSeconds = 5;

const refused: Refusal = { kind: 'notAuthenticated', message: 'The client could not be authenticated' };

/**
 * Authenticates the application behind an HTTP request: by its signed assertion, by the certificate of its TLS
 * connection, or, where the directory says so, by the connection alone (x-road.md 2). The header itself proves
 * nothing. An assertion is good for a minute, for this mediator, for one request.
 */
export function createAuthentication(
  directory: Directory,
  audiences: readonly string[],
  spent: SpentAssertions,
): Authenticate {
  const keyOf = keysFrom(directory);

  async function byAssertion(assertion: string): Promise<string | undefined> {
    try {
      const sender = decodeJwt(assertion).iss;
      const key = sender === undefined ? undefined : await keyOf(sender);
      if (sender === undefined || !key) return undefined;
      const { payload } = await jwtVerify(assertion, key, {
        algorithms: ['ES256'],
        typ: 'client-assertion+jwt',
        issuer: sender,
        subject: sender,
        audience: [...audiences],
        maxTokenAge: maxAgeSeconds,
        clockTolerance: clockToleranceSeconds,
        requiredClaims: ['jti', 'exp'],
      });
      const digest = createHash('sha256').update(`${sender} ${payload.jti}`).digest();
      // Until no clock could take it for fresh any more.
      const expires = new Date(Date.now() + (maxAgeSeconds + 2 * clockToleranceSeconds) * 1000);
      return (await spent.spend(digest, expires)) ? sender : undefined;
    } catch {
      return undefined;
    }
  }

  /** Whose certificate it is; of several applications with the same one, that which is named or may act for it. */
  function byCertificate(certificate: string, client: string): string | undefined {
    const owners = directory.applicationsWith(certificate).filter(({ enabled }) => enabled);
    const operators = directory.application(client)?.operators ?? [];
    const owner =
      owners.find(({ id }) => id === client) ?? owners.find(({ id }) => operators.includes(id)) ?? owners[0];
    return owner?.id;
  }

  function byConnection({ encrypted, thisMachine }: ClientConnection, client: string): string | undefined {
    const application = directory.application(client);
    if (!application?.enabled) return undefined;
    const { connection } = application;
    const believed =
      connection === 'http' ? encrypted || thisMachine : connection === 'https-noauth' && encrypted;
    return believed ? client : undefined;
  }

  return async (headers, connection) => {
    const named = clientHeaders.flatMap((name) => headerValues(headers, name));
    const client = named[0];
    if (client === undefined) return { kind: 'missingClient', message: 'X-Road-Client is required' };
    if (named.some((other) => other !== client))
      return { kind: 'badRequest', message: 'The client headers name different applications' };
    const [assertion, ...more] = headerValues(headers, clientAssertionHeader);
    if (more.length > 0) return refused;
    const { certificate } = connection;
    const sender =
      assertion !== undefined
        ? await byAssertion(assertion)
        : ((certificate === undefined ? undefined : byCertificate(certificate, client)) ??
          byConnection(connection, client));
    return sender === undefined ? refused : { client, sender };
  };
}

type Key = ReturnType<typeof importJWK>;

/** The registered key of an application, imported once for as long as it stays the same. */
function keysFrom(directory: Directory): (application: string) => Key | undefined {
  const imported = new Map<string, { readonly jwk: string; readonly key: Key }>();
  return (id) => {
    const application = directory.application(id);
    if (!application?.enabled || !application.publicKey) return undefined;
    const jwk = JSON.stringify(application.publicKey);
    const known = imported.get(id);
    if (known?.jwk === jwk) return known.key;
    const key = importJWK(application.publicKey as JWK, 'ES256');
    imported.set(id, { jwk, key });
    return key;
  };
}
