import { clientAssertionHeader } from '@govstack/platform';
import { decodeJwt, importJWK, type JWK, jwtVerify } from 'jose';
import type { Directory } from '../directory/directory.ts';

export type Authentication =
  | { readonly ok: true; readonly client: string; readonly sender: string }
  | {
      readonly ok: false;
      readonly kind: 'missingClient' | 'badRequest' | 'notAuthenticated';
      readonly message: string;
    };

/** Names under which clients of different generations say who they are. */
const clientHeaders = ['x-road-client', 'x-govstack-client', 'information-mediator-client'];

/**
 * Authenticates the application behind an HTTP request by its signed assertion. The client header alone proves
 * nothing. An assertion is good for a minute and for one request.
 */
export function createAuthentication(
  directory: Directory,
  audience: () => readonly string[],
): (headers: Readonly<Record<string, string | string[] | undefined>>) => Promise<Authentication> {
  const used = new Map<string, number>();
  const spend = (jti: string, expires: number): boolean => {
    const now = Date.now() / 1000;
    if (used.size > 10_000) for (const [id, until] of used) if (until < now) used.delete(id);
    if (used.has(jti)) return false;
    used.set(jti, expires);
    return true;
  };
  return async (headers) => {
    const named = clientHeaders.flatMap((name) => headers[name] ?? []);
    const client = named[0];
    if (client === undefined)
      return { ok: false, kind: 'missingClient', message: 'X-Road-Client is required' };
    if (named.some((other) => other !== client)) {
      return { ok: false, kind: 'badRequest', message: 'The client headers name different applications' };
    }
    const refused: Authentication = {
      ok: false,
      kind: 'notAuthenticated',
      message: 'The client could not be authenticated',
    };
    const assertion = headers[clientAssertionHeader];
    if (typeof assertion !== 'string') return refused;
    try {
      const sender = decodeJwt(assertion).iss;
      const key = sender === undefined ? undefined : directory.application(sender)?.publicKey;
      if (sender === undefined || !key) return refused;
      const { payload } = await jwtVerify(assertion, await importJWK(key as JWK, 'ES256'), {
        algorithms: ['ES256'],
        typ: 'client-assertion+jwt',
        issuer: sender,
        subject: sender,
        audience: [...audience()],
        maxTokenAge: '60s',
        requiredClaims: ['jti', 'exp'],
      });
      return spend(`${sender} ${payload.jti}`, payload.exp as number)
        ? { ok: true, client, sender }
        : refused;
    } catch {
      return refused;
    }
  };
}
