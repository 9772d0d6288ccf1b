import type { JWK } from 'jose';
import Provider from 'oidc-provider';
import { acrValues } from '../clients/clients.ts';
import { languageOf, pageHeaders, problemPage, signOutPage } from '../pages/pages.ts';
import type { Persons } from '../persons/persons.ts';

/** Resource indicator under which access tokens are good for every block; `audience` is what the blocks expect. */
export const resource = 'urn:govstack:api';

export interface ProviderOptions {
  readonly issuer: string;
  readonly audience: string;
  readonly country: string;
  readonly keys: readonly JWK[];
  readonly cookieKeys: readonly string[];
  readonly storage: unknown;
  readonly persons: Persons;
  readonly accessTokenSeconds: number;
}

interface Context {
  readonly oidc: {
    readonly client?: { readonly clientId: string };
    readonly session?: { readonly accountId?: string };
    readonly params?: Record<string, string | undefined>;
    readonly result?: unknown;
  };
  readonly headers: Record<string, string | undefined>;
  body: unknown;
  set(headers: Record<string, string>): void;
}

/** The certified OpenID Provider, told what this country's identities are. */
export function createProvider(options: ProviderOptions): Provider {
  const { persons } = options;
  const languageFrom = (ctx: Context): string =>
    languageOf(ctx.oidc?.params?.ui_locales ?? ctx.headers['accept-language']);
  const provider: Provider = new Provider(options.issuer, {
    adapter: options.storage,
    jwks: { keys: options.keys },
    cookies: {
      keys: options.cookieKeys,
      long: { signed: true, sameSite: 'lax' },
      short: { signed: true, sameSite: 'lax' },
    },
    clientAuthMethods: ['private_key_jwt'],
    responseTypes: ['code'],
    scopes: ['openid', 'profile', 'email', 'phone'],
    acrValues,
    claims: {
      openid: ['sub', 'acr'],
      profile: [
        'name',
        'given_name',
        'family_name',
        'birthdate',
        'gender',
        'locale',
        'national_number',
        'roles',
        'agency',
      ],
      email: ['email'],
      phone: ['phone_number'],
    },
    // The scopes' claims are in the ID token, so that a relying party needs one call less.
    conformIdTokenClaims: false,
    pkce: { required: () => true },
    ttl: {
      AccessToken: options.accessTokenSeconds,
      AuthorizationCode: 60,
      IdToken: 600,
      Interaction: 1800,
      Session: 8 * 3600,
      Grant: 8 * 3600,
    },
    enabledJWA: {
      clientAuthSigningAlgValues: ['ES256', 'RS256'],
      idTokenSigningAlgValues: ['ES256'],
      userinfoSigningAlgValues: ['ES256'],
    },
    features: {
      devInteractions: { enabled: false },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => resource,
        useGrantedResource: () => true,
        getResourceServerInfo: () => ({
          scope: 'openid profile email phone',
          audience: options.audience,
          accessTokenTTL: options.accessTokenSeconds,
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg: 'ES256' } },
        }),
      },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: (ctx: Context, form: string) => {
          ctx.set(pageHeaders);
          ctx.body = signOutPage(languageFrom(ctx), options.country, form);
        },
        postLogoutSuccessSource: (ctx: Context) => {
          ctx.set(pageHeaders);
          ctx.body = problemPage(languageFrom(ctx), options.country);
        },
      },
    },
    interactions: {
      url: (_ctx: Context, interaction: { uid: string }) => `/id/interaction/${interaction.uid}`,
    },
    renderError: (ctx: Context) => {
      ctx.set(pageHeaders);
      ctx.body = problemPage(languageFrom(ctx), options.country);
    },
    async findAccount(_ctx: Context, id: string) {
      const person = await persons.find(id);
      if (!person) return undefined;
      const { attributes, roles, agency } = person;
      return {
        accountId: id,
        claims: async () => ({
          sub: id,
          ...attributes,
          name: `${attributes.given_name} ${attributes.family_name}`,
          roles,
          ...(agency === undefined ? {} : { agency }),
        }),
      };
    },
    async extraTokenClaims(_ctx: Context, token: { accountId?: string }) {
      const person = token.accountId === undefined ? undefined : await persons.find(token.accountId);
      if (!person) return undefined;
      return {
        roles: person.roles,
        acr: 'idbb:acr:static-code',
        ...(person.agency === undefined ? {} : { agency: person.agency }),
      };
    },
    // Registered relying parties are public services; what they may do with data is asked by the consent block.
    async loadExistingGrant(ctx: Context) {
      const clientId = ctx.oidc.client?.clientId;
      const accountId = ctx.oidc.session?.accountId;
      if (clientId === undefined || accountId === undefined) return undefined;
      const grant = new provider.Grant({ clientId, accountId });
      grant.addOIDCScope('openid profile email phone');
      grant.addResourceScope(resource, 'openid profile email phone');
      await grant.save();
      return grant;
    },
  });
  return provider;
}
