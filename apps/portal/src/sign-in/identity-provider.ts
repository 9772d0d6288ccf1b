import { Problem } from '@govstack/platform';
import * as openid from 'openid-client';
import type { Language } from '../languages.ts';
import type { ClientKey } from './client-key.ts';

/** What is remembered while a person is at the identity provider. */
export interface SignInAttempt {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
  /** Page of the portal to come back to. */
  readonly returnTo: string;
  /** Epoch milliseconds. */
  readonly expiresAt: number;
}

export interface Tokens {
  readonly accessToken: string;
  /** Epoch milliseconds. */
  readonly issuedAt: number;
  readonly expiresAt: number;
  readonly refreshToken: string | undefined;
  readonly idToken: string | undefined;
  readonly claims: Readonly<Record<string, unknown>>;
}

/** The portal's side of OpenID Connect: code flow with PKCE, authenticated with a key. */
export interface IdentityProvider {
  /** Where to send the browser, and what to remember. */
  begin(returnTo: string, language: Language): Promise<{ url: URL; attempt: SignInAttempt }>;
  /** Exchanges the code of the callback `url`. Throws when state, nonce or code do not fit. */
  finish(url: URL, attempt: SignInAttempt): Promise<Tokens>;
  /** New tokens; undefined when the provider no longer accepts the refresh token. */
  refresh(refreshToken: string): Promise<Tokens | undefined>;
  endSessionUrl(idToken: string | undefined): Promise<URL>;
}

export interface IdentityProviderOptions {
  readonly issuer: string;
  readonly clientId: string;
  readonly scope: string;
  readonly resource: string | undefined;
  readonly publicUrl: string;
  readonly key: ClientKey;
  readonly now: () => number;
}

const attemptMinutes = 15;
const loopback = new Set(['localhost', '127.0.0.1', '[::1]']);

export function identityProvider(options: IdentityProviderOptions): IdentityProvider {
  const issuer = new URL(options.issuer);
  const redirectUri = `${options.publicUrl}/sign-in/callback`;
  const resource: Record<string, string> =
    options.resource === undefined ? {} : { resource: options.resource };
  let known: Promise<openid.Configuration> | undefined;

  const discover = async (): Promise<openid.Configuration> => {
    const key = await options.key.privateKey();
    return openid.discovery(
      issuer,
      options.clientId,
      { id_token_signed_response_alg: 'ES256' },
      openid.PrivateKeyJwt({ key, kid: options.key.kid }),
      {
        timeout: 10,
        // Plain HTTP only to ourselves (a stack on a laptop).
        execute:
          issuer.protocol === 'http:' && loopback.has(issuer.hostname) ? [openid.allowInsecureRequests] : [],
      },
    );
  };
  // Looked up when first needed: the provider may start after us. A failure is not remembered.
  const configuration = async (): Promise<openid.Configuration> => {
    known ??= discover();
    try {
      return await known;
    } catch {
      known = undefined;
      throw new Problem(503, 'The identity provider cannot be reached');
    }
  };
  const asTokens = (
    response: openid.TokenEndpointResponse & openid.TokenEndpointResponseHelpers,
    extra: Readonly<Record<string, unknown>> = {},
  ): Tokens => ({
    accessToken: response.access_token,
    issuedAt: options.now(),
    expiresAt: options.now() + (response.expiresIn() ?? 300) * 1000,
    refreshToken: response.refresh_token,
    idToken: response.id_token,
    claims: { ...response.claims(), ...extra },
  });

  return {
    async begin(returnTo, language) {
      const config = await configuration();
      const attempt: SignInAttempt = {
        state: openid.randomState(),
        nonce: openid.randomNonce(),
        verifier: openid.randomPKCECodeVerifier(),
        returnTo,
        expiresAt: options.now() + attemptMinutes * 60_000,
      };
      const url = openid.buildAuthorizationUrl(config, {
        redirect_uri: redirectUri,
        scope: options.scope,
        state: attempt.state,
        nonce: attempt.nonce,
        code_challenge: await openid.calculatePKCECodeChallenge(attempt.verifier),
        code_challenge_method: 'S256',
        ui_locales: language,
        ...resource,
      });
      return { url, attempt };
    },
    async finish(url, attempt) {
      const config = await configuration();
      const response = await openid.authorizationCodeGrant(
        config,
        url,
        { expectedState: attempt.state, expectedNonce: attempt.nonce, pkceCodeVerifier: attempt.verifier },
        resource,
      );
      return asTokens(response);
    },
    async refresh(refreshToken) {
      const config = await configuration();
      try {
        return asTokens(await openid.refreshTokenGrant(config, refreshToken, resource));
      } catch (error) {
        if (error instanceof openid.ResponseBodyError) return undefined;
        throw new Problem(503, 'The identity provider cannot be reached');
      }
    },
    async endSessionUrl(idToken) {
      return openid.buildEndSessionUrl(await configuration(), {
        post_logout_redirect_uri: `${options.publicUrl}/signed-out`,
        ...(idToken === undefined ? {} : { id_token_hint: idToken }),
      });
    },
  };
}
