import { personVerifier } from '@govstack/platform';
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import { describe, expect, it } from 'vitest';

const trust = { issuer: 'https://identity.test', audience: 'govstack' };
const pair = await generateKeyPair('ES256', { extractable: true });
const personOf = personVerifier({
  ...trust,
  jwks: { keys: [{ ...(await exportJWK(pair.publicKey)), alg: 'ES256' }] },
});

const token = (claims: JWTPayload): Promise<string> =>
  new SignJWT(claims)
    .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt' })
    .setIssuer(trust.issuer)
    .setAudience(trust.audience)
    .setSubject('p1')
    .setExpirationTime('1m')
    .sign(pair.privateKey);

describe('a person', () => {
  it('is what the access token says', async () => {
    const claims = {
      roles: ['officer'],
      agency: 'T/GOV/MOH',
      acr: 'high',
      client_id: 'portal',
      scope: 'openid',
    };
    expect(await personOf(await token(claims))).toEqual({
      id: 'p1',
      roles: ['officer'],
      agency: 'T/GOV/MOH',
      scopes: ['openid'],
      acr: 'high',
      client: 'portal',
    });
  });

  it.each<[string, unknown, string[]]>([
    ['several', 'read:conf write:rights', ['read:conf', 'write:rights']],
    ['none', '', []],
    ['no claim', undefined, []],
    ['a list, which RFC 9068 does not know', ['read:conf'], []],
  ])('has the scopes of the token: %s', async (_what, scope, scopes) => {
    const person = await personOf(await token(scope === undefined ? {} : { scope }));
    expect(person?.scopes).toEqual(scopes);
  });
});
