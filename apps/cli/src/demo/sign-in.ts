import { applications } from '@govstack/country/seed';
import { clientManagement } from '@govstack/identity/api';
import { exportJWK, generateKeyPair } from 'jose';
import * as oidc from 'openid-client';
import type { Stack } from '../stack/start-stack.ts';

const callback = 'http://localhost:1/callback';

/** A user agent without scripts: follows redirects by hand and keeps cookies by path. */
function browser() {
  const jar = new Map<string, { value: string; path: string }>();
  const request = async (url: string, init: RequestInit = {}): Promise<Response> => {
    const { pathname } = new URL(url);
    const cookie = [...jar]
      .filter(([, one]) => pathname.startsWith(one.path))
      .map(([name, one]) => `${name}=${one.value}`)
      .join('; ');
    const response = await fetch(url, {
      ...init,
      redirect: 'manual',
      headers: { ...(init.headers as object), cookie },
    });
    for (const line of response.headers.getSetCookie()) {
      const [pair = '', ...attributes] = line.split('; ');
      const [name = '', ...value] = pair.split('=');
      const path = attributes.find((one) => one.toLowerCase().startsWith('path='))?.slice(5) ?? '/';
      jar.set(name, { value: value.join('='), path });
    }
    return response;
  };
  return async (start: string, init?: RequestInit): Promise<string> => {
    let url = start;
    let response = await request(url, init);
    while (response.status >= 300 && response.status < 400) {
      url = new URL(response.headers.get('location') ?? '', url).toString();
      if (url.startsWith(callback)) return url;
      response = await request(url);
    }
    return url;
  };
}

/** Signs staff in through the OpenID provider, as their browsers would, and keeps their access tokens fresh. */
export async function staffSignIn(stack: Stack): Promise<(login: string, pin: string) => Promise<string>> {
  const keys = await generateKeyPair('ES256');
  const clientId = `demo-${Date.now().toString(36)}`;
  const clients = stack
    .as(applications.governance)
    .client(clientManagement, `${applications.identity}/identity-client-mgmt-v1`);
  const { body } = await clients.createOidcClient({
    body: {
      requestTime: new Date().toISOString(),
      request: {
        clientId,
        clientName: 'Demonstration run',
        relyingPartyId: 'demo',
        logoUri: 'https://lumora.example/logo.svg',
        redirectUris: [callback],
        authContextRefs: ['idbb:acr:static-code'],
        publicKey: await exportJWK(keys.publicKey),
        userClaims: ['name'],
        grantTypes: ['authorization_code'],
        clientAuthMethods: ['private_key_jwt'],
      },
    },
  });
  if (body.errors[0]) throw new Error(`sign-in could not be set up: ${body.errors[0].errorMessage}`);
  const configuration = await oidc.discovery(
    new URL(`${stack.url}/id`),
    clientId,
    undefined,
    oidc.PrivateKeyJwt(keys.privateKey),
    {
      execute: [oidc.allowInsecureRequests],
    },
  );
  const tokens = new Map<string, { token: string; until: number }>();
  return async (login, pin) => {
    const known = tokens.get(login);
    if (known && known.until > Date.now()) return known.token;
    const pkceCodeVerifier = oidc.randomPKCECodeVerifier();
    const expectedState = oidc.randomState();
    const url = oidc.buildAuthorizationUrl(configuration, {
      redirect_uri: callback,
      scope: 'openid profile',
      code_challenge: await oidc.calculatePKCECodeChallenge(pkceCodeVerifier),
      code_challenge_method: 'S256',
      state: expectedState,
    });
    const follow = browser();
    const page = await follow(url.toString());
    const back = await follow(page, {
      method: 'POST',
      body: new URLSearchParams({ identifier: login, pin }),
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    });
    const answer = await oidc.authorizationCodeGrant(configuration, new URL(back), {
      pkceCodeVerifier,
      expectedState,
    });
    tokens.set(login, { token: answer.access_token, until: Date.now() + (answer.expires_in ?? 60) * 800 });
    return answer.access_token;
  };
}
