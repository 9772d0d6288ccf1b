import { importJWK, type JWK, jwtVerify, SignJWT } from 'jose';
import { type Caller, isApplicationId, isServiceId } from './caller.ts';

/** Header in which a mediator hands the verified caller to a provider in another process. */
export const callerTokenHeader = 'x-govstack-caller';
/** Header in which it says which exchange of its log a request belongs to. */
export const exchangeIdHeader = 'x-road-request-id';

const lifetimeSeconds = 60;
/** How far the clocks of a mediator and a provider may be apart. */
const clockTolerance = 30;

/** A signed token is used again for this long, in milliseconds: one signature for many exchanges of the same two. */
const reusedMs = 20_000;
const mostKept = 10_000;

/**
 * Signs who calls which service, for one provider each (`audience` = its application id). Valid for a minute. Which
 * exchange it is stands beside it in `X-Road-Request-Id`.
 */
export function callerSigner(key: JWK): (caller: Caller, audience: string) => Promise<string> {
  const kept = new Map<string, { readonly until: number; readonly token: Promise<string> }>();
  const signed = (caller: Caller, audience: string): Promise<string> =>
    new SignJWT({
      service: caller.service,
      ...(caller.operator === undefined ? {} : { operator: caller.operator }),
    })
      .setProtectedHeader({ alg: 'ES256', typ: 'caller+jwt', ...(key.kid ? { kid: key.kid } : {}) })
      .setSubject(caller.application)
      .setAudience(audience)
      .setIssuedAt()
      .setExpirationTime(`${lifetimeSeconds}s`)
      .sign(key);
  return (caller, audience) => {
    const name = [caller.application, caller.operator ?? '', caller.service, audience].join(' ');
    const now = Date.now();
    const known = kept.get(name);
    if (known && known.until > now) return known.token;
    if (kept.size >= mostKept) kept.clear();
    const token = signed(caller, audience);
    kept.set(name, { until: now + reusedMs, token });
    token.catch(() => kept.delete(name));
    return token;
  };
}

/** `exchangeId`: what the mediator says beside the token of the exchange. */
export type CallerVerifier = (token: string, exchangeId: string | undefined) => Promise<Caller | undefined>;

interface Verified {
  readonly caller: Omit<Caller, 'exchangeId'>;
  /** When the token is over, in seconds since 1970. */
  readonly until: number;
}

/**
 * Verifies caller tokens of the mediators whose public keys are given. Answers undefined for anything but a valid,
 * unexpired token of such a mediator. A mediator uses a token for many exchanges: each is verified once.
 */
export function callerVerifier(publicKeys: readonly JWK[]): CallerVerifier {
  const imported = Promise.all(publicKeys.map(async (key) => importJWK(key, 'ES256')));
  const known = new Map<string, Verified>();
  const verified = async (token: string): Promise<Verified | undefined> => {
    for (const key of await imported) {
      try {
        const { payload } = await jwtVerify(token, key, {
          typ: 'caller+jwt',
          algorithms: ['ES256'],
          requiredClaims: ['exp'],
          maxTokenAge: lifetimeSeconds,
          clockTolerance,
        });
        const { sub, service, operator, aud, exp = 0, iat = 0 } = payload;
        if (typeof sub !== 'string' || !isApplicationId(sub)) return undefined;
        if (typeof service !== 'string' || !isServiceId(service)) return undefined;
        if (aud !== service.split('/').slice(0, 4).join('/')) return undefined;
        return {
          until: Math.min(exp, iat + lifetimeSeconds),
          caller: {
            application: sub,
            service,
            operator: typeof operator === 'string' && isApplicationId(operator) ? operator : undefined,
          },
        };
      } catch {
        // Not signed by this mediator; try the next key.
      }
    }
    return undefined;
  };
  return async (token, exchangeId) => {
    if (exchangeId === undefined) return undefined;
    const found = known.get(token);
    if (found && found.until > Date.now() / 1000) return { ...found.caller, exchangeId };
    known.delete(token);
    const fresh = await verified(token);
    if (!fresh) return undefined;
    if (known.size >= mostKept) known.clear();
    known.set(token, fresh);
    return { ...fresh.caller, exchangeId };
  };
}
