import { createHash } from 'node:crypto';
import { clientAssertionHeader } from '@govstack/platform';
import { decodeJwt, importJWK, type JWK, jwtVerify } from 'jose';
import type { Directory } from '../../directory/directory.ts';
import type { Refusal } from '../../exchange/errors.ts';
import { type HeaderList, headerValues } from '../../exchange/headers.ts';
import type { SpentAssertions } from './spent-assertions.ts';

/** Who sends, and for whom. */
export interface AuthenticatedClient {
  readonly client: string;
  readonly sender: string;
}

/** Names under which clients of different generations say who they are. */
const clientHeaders = ['x-road-client', 'x-govstack-client', 'information-mediator-client'];

const maxAgeSeconds = 60;
const clockToleranceSeconds = 5;

/**
 * Authenticates the application behind an HTTP request by its signed assertion; the client header alone proves
 * nothing. An assertion is good for a minute, for this mediator, for one request.
 */
export function createAuthentication(
  directory: Directory,
  audiences: readonly string[],
  spent: SpentAssertions,
): (headers: HeaderList) => Promise<AuthenticatedClient | Refusal> {
  const refused: Refusal = {
    kind: 'notAuthenticated',
    message: 'The client could not be authenticated',
  };
  const keyOf = keysFrom(directory);

  return async (headers) => {
    const named = clientHeaders.flatMap((name) => headerValues(headers, name));
    const client = named[0];
    if (client === undefined) return { kind: 'missingClient', message: 'X-Road-Client is required' };
    if (named.some((other) => other !== client))
      return { kind: 'badRequest', message: 'The client headers name different applications' };
    const [assertion, ...more] = headerValues(headers, clientAssertionHeader);
    if (assertion === undefined || more.length > 0) return refused;
    try {
      const sender = decodeJwt(assertion).iss;
      const key = sender === undefined ? undefined : await keyOf(sender);
      if (sender === undefined || !key) return refused;
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
      return (await spent.spend(digest, expires)) ? { client, sender } : refused;
    } catch {
      return refused;
    }
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
