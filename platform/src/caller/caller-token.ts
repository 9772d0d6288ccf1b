import { importJWK, type JWK, jwtVerify, SignJWT } from 'jose';
import { type Caller, isApplicationId, isServiceId } from './caller.ts';

/** Header in which a mediator hands the verified caller to a provider in another process. */
export const callerTokenHeader = 'x-govstack-caller';

const lifetimeSeconds = 60;
/** How far the clocks of a mediator and a provider may be apart. */
const clockTolerance = 30;

/** Signs a caller for one provider (`audience` = its application id). Valid for a minute. */
export async function signCaller(caller: Caller, key: JWK, audience: string): Promise<string> {
  return new SignJWT({
    service: caller.service,
    exchange: caller.exchangeId,
    ...(caller.operator === undefined ? {} : { operator: caller.operator }),
  })
    .setProtectedHeader({ alg: 'ES256', typ: 'caller+jwt', ...(key.kid ? { kid: key.kid } : {}) })
    .setSubject(caller.application)
    .setAudience(audience)
    .setIssuedAt()
    .setExpirationTime(`${lifetimeSeconds}s`)
    .sign(key);
}

export type CallerVerifier = (token: string) => Promise<Caller | undefined>;

/**
 * Verifies caller tokens of the mediators whose public keys are given. Answers undefined for anything but a valid,
 * unexpired token of such a mediator.
 */
export function callerVerifier(publicKeys: readonly JWK[]): CallerVerifier {
  const imported = Promise.all(publicKeys.map(async (key) => importJWK(key, 'ES256')));
  return async (token) => {
    for (const key of await imported) {
      try {
        const { payload } = await jwtVerify(token, key, {
          typ: 'caller+jwt',
          algorithms: ['ES256'],
          requiredClaims: ['exp'],
          maxTokenAge: lifetimeSeconds,
          clockTolerance,
        });
        const { sub, service, exchange, operator, aud } = payload;
        if (typeof sub !== 'string' || !isApplicationId(sub)) return undefined;
        if (typeof service !== 'string' || !isServiceId(service)) return undefined;
        if (typeof exchange !== 'string') return undefined;
        if (aud !== service.split('/').slice(0, 4).join('/')) return undefined;
        return {
          application: sub,
          service,
          exchangeId: exchange,
          operator: typeof operator === 'string' && isApplicationId(operator) ? operator : undefined,
        };
      } catch {
        // Not signed by this mediator; try the next key.
      }
    }
    return undefined;
  };
}
