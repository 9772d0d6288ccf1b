import { createLocalJWKSet, createRemoteJWKSet, type JSONWebKeySet, jwtVerify } from 'jose';

/** A natural person behind a call, as the identity block's access token names them. */
export interface Person {
  /** Subject: stable, meaningless outside the identity block. */
  readonly id: string;
  readonly roles: readonly string[];
  /** Member (`INSTANCE/CLASS/MEMBER`) an officer works for; absent for citizens. */
  readonly agency: string | undefined;
  /** OAuth scopes of the token (RFC 9068, 2.2.3). */
  readonly scopes: readonly string[];
  /** Authentication context class reference of the sign-in. */
  readonly acr: string | undefined;
  /** OpenID client through which the person acts. */
  readonly client: string | undefined;
}

export type PersonVerifier = (token: string) => Promise<Person | undefined>;

/** Where access tokens come from: the issuer, and its keys given or to be fetched. */
export interface IdentityTrust {
  readonly issuer: string;
  readonly audience: string;
  readonly jwks: JSONWebKeySet | URL;
}

const texts = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((entry): entry is string => typeof entry === 'string') : [];

/** Verifies access tokens (RFC 9068) of one identity provider. Answers undefined for anything that is not valid now. */
export function personVerifier(trust: IdentityTrust): PersonVerifier {
  const keys = trust.jwks instanceof URL ? createRemoteJWKSet(trust.jwks) : createLocalJWKSet(trust.jwks);
  return async (token) => {
    try {
      const { payload } = await jwtVerify(token, keys, {
        issuer: trust.issuer,
        audience: trust.audience,
        algorithms: ['ES256'],
        typ: 'at+jwt',
      });
      if (typeof payload.sub !== 'string') return undefined;
      return {
        id: payload.sub,
        roles: texts(payload.roles),
        agency: typeof payload.agency === 'string' ? payload.agency : undefined,
        scopes: typeof payload.scope === 'string' ? payload.scope.split(' ').filter(Boolean) : [],
        acr: typeof payload.acr === 'string' ? payload.acr : undefined,
        client: typeof payload.client_id === 'string' ? payload.client_id : undefined,
      };
    } catch {
      return undefined;
    }
  };
}
