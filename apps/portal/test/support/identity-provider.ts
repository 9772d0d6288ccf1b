import { generateKeyPairSync } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { IdentityTrust } from '@govstack/platform';
import Provider from 'oidc-provider';

export interface Persona {
  readonly id: string;
  readonly name: string;
  readonly roles: readonly string[];
  readonly agency?: string;
}

export const personas: readonly Persona[] = [
  { id: 'amina', name: 'Amina Osei', roles: [] },
  { id: 'bakary', name: 'Bakary Lund', roles: [] },
  { id: 'officer', name: 'Olena Farouk', roles: ['officer'], agency: 'LUMORA/GOV/MSP' },
  { id: 'manager', name: 'Mateo Ndiaye', roles: ['programme-manager'], agency: 'LUMORA/GOV/MSP' },
  { id: 'designer', name: 'Daria Mensah', roles: ['administrator'], agency: 'LUMORA/GOV/MSP' },
  {
    id: 'supervisor',
    name: 'Ivo Marek',
    roles: ['administrator', 'process-data-reader'],
    agency: 'LUMORA/GOV/MSP',
  },
  { id: 'approver', name: 'Aiko Benali', roles: ['payment-approver'], agency: 'LUMORA/GOV/TRE' },
];

export interface TestIdentityProvider {
  readonly issuer: string;
  readonly trust: IdentityTrust;
  /** Told before the first sign-in: the relying party's address and key. */
  register(publicUrl: string, jwk: object): void;
  /** Lifetime of access tokens issued from now on. */
  accessTokenSeconds: number;
  stop(): Promise<void>;
}

const bodyOf = async (request: IncomingMessage): Promise<URLSearchParams> => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return new URLSearchParams(Buffer.concat(chunks).toString());
};

const resource = 'urn:govstack:api';

/** A real OpenID provider on its own port, where signing in is a click on a name. */
export async function startIdentityProvider(): Promise<TestIdentityProvider> {
  const clients: Record<string, unknown>[] = [];
  let handle: ReturnType<Provider['callback']> | undefined;
  let provider: Provider;
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', issuer);
    if (!url.pathname.startsWith('/interaction/')) return handle?.(request, response);
    void (async () => {
      if (request.method === 'POST') {
        const accountId = (await bodyOf(request)).get('persona') ?? '';
        return provider.interactionFinished(request, response, { login: { accountId } });
      }
      const buttons = personas.map((one) => `<button name="persona" value="${one.id}">${one.name}</button>`);
      response.setHeader('content-type', 'text/html; charset=utf-8');
      response.end(
        `<!doctype html><html lang="en"><title>Test provider</title><main><h1>Who are you?</h1><form method="post">${buttons.join('')}</form></main></html>`,
      );
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const issuer = `http://localhost:${(server.address() as AddressInfo).port}`;
  const jwk = {
    ...generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' }),
    kid: 'provider',
    alg: 'ES256',
    use: 'sig',
  };
  const result: TestIdentityProvider = {
    issuer,
    accessTokenSeconds: 600,
    trust: { issuer, audience: 'govstack', jwks: new URL(`${issuer}/jwks`) },
    register(publicUrl, key) {
      clients.push({
        client_id: 'portal',
        redirect_uris: [`${publicUrl}/sign-in/callback`],
        post_logout_redirect_uris: [`${publicUrl}/signed-out`],
        response_types: ['code'],
        grant_types: ['authorization_code'],
        token_endpoint_auth_method: 'private_key_jwt',
        token_endpoint_auth_signing_alg: 'ES256',
        id_token_signed_response_alg: 'ES256',
        jwks: { keys: [key] },
      });
      provider = createProvider();
      handle = provider.callback();
    },
    async stop() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };

  function createProvider(): Provider {
    const claimsOf = (id: string | undefined) => personas.find((one) => one.id === id);
    const created: Provider = new Provider(issuer, {
      clients,
      jwks: { keys: [jwk] },
      cookies: { keys: ['test'] },
      clientAuthMethods: ['private_key_jwt'],
      scopes: ['openid', 'profile', 'email', 'phone'],
      claims: { profile: ['name', 'roles', 'agency', 'phone_number'] },
      conformIdTokenClaims: false,
      enabledJWA: { idTokenSigningAlgValues: ['ES256'], clientAuthSigningAlgValues: ['ES256'] },
      pkce: { required: () => true },
      features: {
        devInteractions: { enabled: false },
        rpInitiatedLogout: {
          enabled: true,
          logoutSource: (ctx: { body: string }, form: string) => {
            ctx.body = `<!doctype html><html lang="en"><title>Leave</title><main><h1>Leave?</h1>${form}<button form="op.logoutForm" name="logout" value="yes">Sign me out</button></main></html>`;
          },
        },
        resourceIndicators: {
          enabled: true,
          defaultResource: () => resource,
          useGrantedResource: () => true,
          getResourceServerInfo: () => ({
            scope: 'openid profile email phone',
            audience: 'govstack',
            accessTokenTTL: result.accessTokenSeconds,
            accessTokenFormat: 'jwt',
            jwt: { sign: { alg: 'ES256' } },
          }),
        },
      },
      interactions: { url: (_ctx: unknown, one: { uid: string }) => `/interaction/${one.uid}` },
      findAccount: async (_ctx: unknown, id: string) => {
        const person = claimsOf(id);
        return (
          person && {
            accountId: id,
            claims: async () => ({ ...person, sub: id, phone_number: '+999712345678' }),
          }
        );
      },
      extraTokenClaims: async (_ctx: unknown, token: { accountId?: string }) => {
        const person = claimsOf(token.accountId);
        return person && { roles: person.roles, ...(person.agency ? { agency: person.agency } : {}) };
      },
      loadExistingGrant: async (ctx: {
        oidc: { client: { clientId: string }; session: { accountId: string } };
      }) => {
        const grant = new created.Grant({
          clientId: ctx.oidc.client.clientId,
          accountId: ctx.oidc.session.accountId,
        });
        grant.addOIDCScope('openid profile email phone');
        grant.addResourceScope(resource, 'openid profile email phone');
        await grant.save();
        return grant;
      },
    });
    return created;
  }
  return result;
}
