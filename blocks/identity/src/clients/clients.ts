import { createPublicKey, type JsonWebKey } from 'node:crypto';
import type { Kysely } from 'kysely';
import type { IdentityTables } from '../tables.ts';

/** Authentication context classes of the specification (digest 2). */
export const acrValues = [
  'idbb:acr:static-code',
  'idbb:acr:generated-code',
  'idbb:acr:linked-wallet',
  'idbb:acr:biometrics',
  'idbb:acr:biometrics-generated-code',
  'idbb:acr:linked-wallet-static-code',
];
export const claimNames = [
  'name',
  'given_name',
  'family_name',
  'birthdate',
  'gender',
  'locale',
  'email',
  'phone_number',
  'national_number',
];

/** A refusal in the words of the published document: always exactly one error. */
export class ClientError extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

interface ClientFields {
  readonly clientName: string;
  readonly logoUri: string;
  readonly redirectUris: readonly string[];
  readonly postLogoutRedirectUris: readonly string[];
  readonly authContextRefs: readonly string[];
  readonly userClaims: readonly string[];
}

const isText = (value: unknown, max: number): value is string =>
  typeof value === 'string' && value.length > 0 && value.length <= max;
const isTexts = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((one) => typeof one === 'string');
const isUri = (value: unknown): value is string =>
  typeof value === 'string' && value.length <= 1024 && URL.canParse(value);
/** Redirects go to https, or to plain http on this machine. */
const isRedirect = (value: unknown): value is string => {
  if (!isUri(value)) return false;
  const url = new URL(value);
  return (
    url.hash === '' &&
    (url.protocol === 'https:' ||
      (url.protocol === 'http:' && ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname)))
  );
};
const isDateTime = (value: unknown): boolean =>
  typeof value === 'string' &&
  /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(value) &&
  !Number.isNaN(Date.parse(value));

function requireThat(good: boolean, code: string, message: string): asserts good {
  if (!good) throw new ClientError(code, message);
}

function readFields(request: Record<string, unknown>): ClientFields {
  requireThat(
    isText(request.clientName, 256),
    'invalid_client_name',
    'clientName must have 1 to 256 characters',
  );
  requireThat(isUri(request.logoUri), 'invalid_uri', 'logoUri must be a URI');
  const redirects = request.redirectUris ?? [];
  requireThat(
    Array.isArray(redirects) &&
      (request.redirectUris === undefined || redirects.length > 0) &&
      redirects.every(isRedirect),
    'invalid_redirect_uri',
    'redirectUris must be https URIs (plain http only on this machine)',
  );
  const postLogout = request.postLogoutRedirectUris ?? [];
  requireThat(
    Array.isArray(postLogout) && postLogout.every(isRedirect),
    'invalid_redirect_uri',
    'postLogoutRedirectUris must be URIs',
  );
  const acrs = request.authContextRefs;
  requireThat(
    isTexts(acrs) && acrs.length > 0 && acrs.every((one) => acrValues.includes(one)),
    'invalid_acr',
    'authContextRefs must name known levels',
  );
  const claims = request.userClaims ?? [];
  requireThat(
    isTexts(claims) && claims.every((one) => claimNames.includes(one)),
    'invalid_claim',
    'userClaims must name known claims',
  );
  const grants = request.grantTypes;
  requireThat(
    isTexts(grants) && grants.length === 1 && grants[0] === 'authorization_code',
    'invalid_grant_type',
    'grantTypes must be authorization_code',
  );
  const methods = request.clientAuthMethods;
  requireThat(
    isTexts(methods) && methods.length === 1 && methods[0] === 'private_key_jwt',
    'invalid_client_auth',
    'clientAuthMethods must be private_key_jwt',
  );
  return {
    clientName: request.clientName,
    logoUri: request.logoUri,
    redirectUris: redirects as string[],
    postLogoutRedirectUris: postLogout as string[],
    authContextRefs: acrs,
    userClaims: claims,
  };
}

function readKey(value: unknown): JsonWebKey {
  try {
    const jwk = (typeof value === 'string' ? JSON.parse(value) : value) as JsonWebKey;
    if (jwk.d !== undefined) throw new Error('private');
    createPublicKey({ key: jwk, format: 'jwk' });
    return jwk;
  } catch {
    throw new ClientError('invalid_public_key', 'publicKey must be a public JWK');
  }
}

const metadata = (clientId: string, fields: ClientFields, key: JsonWebKey) => ({
  client_id: clientId,
  client_name: fields.clientName,
  logo_uri: fields.logoUri,
  redirect_uris: fields.redirectUris,
  post_logout_redirect_uris: fields.postLogoutRedirectUris,
  default_acr_values: fields.authContextRefs,
  response_types: fields.redirectUris.length > 0 ? ['code'] : [],
  grant_types: ['authorization_code'],
  token_endpoint_auth_method: 'private_key_jwt',
  token_endpoint_auth_signing_alg: key.kty === 'EC' ? 'ES256' : 'RS256',
  id_token_signed_response_alg: 'ES256',
  jwks: { keys: [{ ...key, use: 'sig' }] },
  scope: 'openid profile email phone',
});

export interface Clients {
  create(requestTime: unknown, request: Record<string, unknown>): Promise<string>;
  update(clientId: string, requestTime: unknown, request: Record<string, unknown>): Promise<string>;
  find(clientId: string): Promise<Record<string, unknown> | undefined>;
}

/** Relying parties. Throws `ClientError`. */
export function openClients(db: Kysely<IdentityTables>): Clients {
  const assertTime = (value: unknown): void =>
    requireThat(isDateTime(value), 'invalid_request', 'requestTime must be a full ISO 8601 time');
  return {
    async create(requestTime, request) {
      assertTime(requestTime);
      requireThat(isText(request.clientId, 50), 'invalid_client_id', 'clientId must have 1 to 50 characters');
      requireThat(
        isText(request.relyingPartyId, 50),
        'invalid_rp_id',
        'relyingPartyId must have 1 to 50 characters',
      );
      const fields = readFields(request);
      const key = readKey(request.publicKey);
      const inserted = await db
        .insertInto('oidc_client')
        .values({
          client_id: request.clientId,
          relying_party_id: request.relyingPartyId,
          metadata: JSON.stringify(metadata(request.clientId, fields, key)),
          status: 'active',
        })
        .onConflict((conflict) => conflict.constraint('oidc_client_pkey').doNothing())
        .returning('client_id')
        .executeTakeFirst();
      requireThat(inserted !== undefined, 'duplicate_client_id', 'clientId is taken');
      return request.clientId;
    },
    async update(clientId, requestTime, request) {
      assertTime(requestTime);
      const row = await db
        .selectFrom('oidc_client')
        .select('metadata')
        .where('client_id', '=', clientId)
        .executeTakeFirst();
      requireThat(row !== undefined, 'invalid_client_id', 'clientId is not known');
      const fields = readFields(request);
      const status = request.status ?? 'active';
      requireThat(
        status === 'active' || status === 'inactive',
        'invalid_input',
        'status must be active or inactive',
      );
      const key = (row.metadata as { jwks: { keys: JsonWebKey[] } }).jwks.keys[0] as JsonWebKey;
      await db
        .updateTable('oidc_client')
        .set({ metadata: JSON.stringify(metadata(clientId, fields, key)), status })
        .where('client_id', '=', clientId)
        .execute();
      return clientId;
    },
    async find(clientId) {
      const row = await db
        .selectFrom('oidc_client')
        .select('metadata')
        .where('client_id', '=', clientId)
        .where('status', '=', 'active')
        .executeTakeFirst();
      return row?.metadata as Record<string, unknown> | undefined;
    },
  };
}
