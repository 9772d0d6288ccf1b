import { CallFailed, type Client, personVerifier, type ReservedPort, reservePort } from '@govstack/platform';
import { startTestNode, type TestNode } from '@govstack/platform/testing';
import { type CryptoKey, exportJWK, generateKeyPair } from 'jose';
import { sql } from 'kysely';
import * as oidc from 'openid-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clientManagement, enrolment, ownIdentity } from '../src/api/operations.ts';
import { identity } from '../src/block.ts';
import { BrowserSession } from './browser-session.ts';

const callback = 'http://localhost:9999/callback';
let node: TestNode;
let origin: string;
let clients: Client<typeof clientManagement.operations>;
let persons: Client<typeof enrolment.operations>;
let keys: { privateKey: CryptoKey; publicKey: CryptoKey };
let configuration: oidc.Configuration;
let subjects: string[];

const request = async (overrides: Record<string, unknown> = {}) => ({
  clientId: 'portal',
  clientName: 'Portal',
  relyingPartyId: 'portal',
  logoUri: 'https://lumora.test/logo.svg',
  redirectUris: [callback],
  authContextRefs: ['idbb:acr:static-code'],
  publicKey: await exportJWK(keys.publicKey),
  userClaims: ['name'],
  grantTypes: ['authorization_code'],
  clientAuthMethods: ['private_key_jwt'],
  ...overrides,
});

const start = async (reserved: ReservedPort, databasePrefix?: string): Promise<TestNode> => {
  const started = await startTestNode({
    ...(databasePrefix ? { databasePrefix } : {}),
    blocks: [
      {
        block: identity,
        config: { issuer: `http://localhost:${reserved.port}/id`, country: 'Lumora', demonstration: true },
      },
    ],
  });
  await started.listen({ port: reserved });
  return started;
};

let port: number;

beforeAll(async () => {
  const reserved = await reservePort(0);
  port = reserved.port;
  origin = `http://localhost:${port}`;
  node = await start(reserved);
  clients = node.client(clientManagement);
  persons = node.client(enrolment);
  keys = await generateKeyPair('ES256', { extractable: true });
  const created = await clients.createOidcClient({
    body: { requestTime: new Date().toISOString(), request: await request() },
  });
  expect(created.body.errors).toEqual([]);
  const people = [
    {
      aliases: { 'national-number': 'LU-1234 5678', login: 'amina' },
      attributes: {
        given_name: 'Amina',
        family_name: 'Sorel',
        birthdate: '1990-04-02',
        national_number: 'LU12345678',
      },
      pin: '4711',
      persona: { label: { en: 'Amina, a citizen' }, position: 1 },
    },
    {
      aliases: { login: 'officer' },
      attributes: { given_name: 'Omar', family_name: 'Vey' },
      pin: '2222',
      appointments: [{ agency: 'LUMORA/GOV/MSP', role: 'officer' }],
    },
  ];
  subjects = (await persons.enrolPersons({ body: { persons: people } })).body.subjects;
  configuration = await oidc.discovery(
    new URL(`${origin}/id`),
    'portal',
    undefined,
    oidc.PrivateKeyJwt(keys.privateKey),
    { execute: [oidc.allowInsecureRequests] },
  );
});
afterAll(() => node.stop());

async function beginSignIn(browser: BrowserSession) {
  const verifier = oidc.randomPKCECodeVerifier();
  const state = oidc.randomState();
  const nonce = oidc.randomNonce();
  const url = oidc.buildAuthorizationUrl(configuration, {
    redirect_uri: callback,
    scope: 'openid profile',
    code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
    nonce,
    ui_locales: 'fr',
  });
  const page = await browser.follow(url.toString(), origin);
  return { page, checks: { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce } };
}

const submit = (browser: BrowserSession, url: string, form: Record<string, string>) =>
  browser.follow(url, origin, {
    method: 'POST',
    body: new URLSearchParams(form),
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  });

async function signIn(form: Record<string, string>) {
  const browser = new BrowserSession();
  const { page, checks } = await beginSignIn(browser);
  const back = await submit(browser, page.url, form);
  return {
    browser,
    checks,
    back,
    tokens: () => oidc.authorizationCodeGrant(configuration, new URL(back.url), checks),
  };
}

describe('sign-in', () => {
  it('[ID-6.1-a][ID-8-a] by authorization code with PKCE gives an ID token and an access token the blocks accept', async () => {
    const { back, tokens } = await signIn({ identifier: 'lu12345678', pin: '4711' });
    expect(back.url.startsWith(callback)).toBe(true);
    const answer = await tokens();
    expect(answer.claims()).toMatchObject({
      sub: subjects[0],
      given_name: 'Amina',
      national_number: 'LU12345678',
    });
    const verify = personVerifier({
      issuer: `${origin}/id`,
      audience: 'govstack',
      jwks: new URL(`${origin}/id/jwks`),
    });
    const person = await verify(answer.access_token);
    expect(person).toMatchObject({ id: subjects[0], roles: [], client: 'portal' });
    expect(await verify(`${answer.access_token.slice(0, -4)}AAAA`)).toBeUndefined();
    const own = node.client(ownIdentity);
    const personToken = await node.token({ id: subjects[0] as string });
    expect((await own.readOwnAttributes({ personToken })).body).toMatchObject({ given_name: 'Amina' });
  });

  it('an officer comes with agency and roles', async () => {
    const answer = await (await signIn({ identifier: 'OFFICER', pin: '2222' })).tokens();
    expect(answer.claims()).toMatchObject({ agency: 'LUMORA/GOV/MSP', roles: ['officer'] });
  });

  it('the page is in the wanted language, marks the demonstration, and a persona is one click', async () => {
    const browser = new BrowserSession();
    const { page, checks } = await beginSignIn(browser);
    const html = await page.response.text();
    expect(html).toContain('lang="fr"');
    expect(html).toContain('Démonstration');
    const persona = /name="persona" value="([^"]+)"/.exec(html)?.[1] as string;
    expect(persona).toBe(subjects[0]);
    const back = await submit(browser, page.url, { persona });
    const answer = await oidc.authorizationCodeGrant(configuration, new URL(back.url), checks);
    expect(answer.claims()?.sub).toBe(subjects[0]);
  });

  it('nobody but a persona can be signed in with one click', async () => {
    const { back } = await signIn({ persona: subjects[1] as string });
    expect(back.response.status).toBe(401);
  });

  it('a wrong PIN and an unknown name get the same refusal, and after five failures even the right PIN waits', async () => {
    await persons.enrolPersons({
      body: {
        persons: [
          { aliases: { login: 'lockme' }, attributes: { given_name: 'L', family_name: 'M' }, pin: '9999' },
        ],
      },
    });
    const wrong = await signIn({ identifier: 'lockme', pin: '0000' });
    const unknown = await signIn({ identifier: 'nobody-here', pin: '0000' });
    expect(wrong.back.response.status).toBe(401);
    const strip = (html: string) => html.replaceAll(/interaction\/[^"]+/g, '');
    expect(strip(await wrong.back.response.text())).toBe(strip(await unknown.back.response.text()));
    for (let attempt = 0; attempt < 4; attempt += 1) await signIn({ identifier: 'lockme', pin: '0000' });
    expect((await signIn({ identifier: 'lockme', pin: '9999' })).back.response.status).toBe(401);
  });

  it('a code is good once, for its own verifier, and an interaction belongs to one browser', async () => {
    const { back, checks } = await signIn({ identifier: 'amina', pin: '4711' });
    const url = new URL(back.url);
    await expect(
      oidc.authorizationCodeGrant(configuration, url, {
        ...checks,
        pkceCodeVerifier: oidc.randomPKCECodeVerifier(),
      }),
    ).rejects.toThrow();
    await oidc.authorizationCodeGrant(configuration, url, checks);
    await expect(oidc.authorizationCodeGrant(configuration, url, checks)).rejects.toThrow();
    const { page } = await beginSignIn(new BrowserSession());
    expect(
      (await submit(new BrowserSession(), page.url, { identifier: 'amina', pin: '4711' })).response.status,
    ).toBe(400);
  });

  it('unregistered redirects and unknown clients never leave the provider', async () => {
    for (const [client, redirect] of [
      ['portal', 'https://evil.test/'],
      ['nobody', callback],
    ] as const) {
      const query = new URLSearchParams({
        client_id: client,
        redirect_uri: redirect,
        response_type: 'code',
        scope: 'openid',
      });
      const answer = await fetch(`${origin}/id/auth?${query}`, { redirect: 'manual' });
      expect(answer.status).toBe(400);
      expect(answer.headers.get('location')).toBeNull();
    }
  });

  it('keys, grants and sessions outlive a restart', async () => {
    const { browser } = await signIn({ identifier: 'amina', pin: '4711' });
    await node.stop();
    node = await start(await reservePort(port), node.databasePrefix);
    const { page, checks } = await beginSignIn(browser);
    expect(page.url.startsWith(callback)).toBe(true);
    const answer = await oidc.authorizationCodeGrant(configuration, new URL(page.url), checks);
    expect(answer.claims()?.sub).toBe(subjects[0]);
    clients = node.client(clientManagement);
    persons = node.client(enrolment);
  });
});

describe('persons', () => {
  it('are enrolled once, whatever alias names them, and lie sealed in the database', async () => {
    const again = await persons.enrolPersons({
      body: {
        persons: [
          {
            aliases: { 'national-number': 'lu12345678', email: 'amina@mail.example' },
            attributes: { given_name: 'Amina', family_name: 'Sorel' },
          },
        ],
      },
    });
    expect(again.body.subjects[0]).toBe(subjects[0]);
    const { rows } = await sql<{ attributes: Buffer }>`select attributes from person`.execute(
      node.database('identity'),
    );
    expect(rows.every((row) => !row.attributes.toString('latin1').includes('Amina'))).toBe(true);
  });

  it('whose aliases belong to two people are refused, and none of the batch is stored', async () => {
    const batch = [
      { aliases: { login: 'newcomer' }, attributes: { given_name: 'N', family_name: 'N' } },
      {
        aliases: { login: 'amina', email: 'x@mail.example' },
        attributes: { given_name: 'A', family_name: 'S' },
      },
      {
        aliases: { login: 'officer', 'national-number': 'lu12345678' },
        attributes: { given_name: 'A', family_name: 'S' },
      },
    ];
    const failed = await persons.enrolPersons({ body: { persons: batch } }).catch((error: unknown) => error);
    expect(failed).toBeInstanceOf(CallFailed);
    expect((failed as CallFailed).status).toBe(409);
    expect((await signIn({ identifier: 'newcomer', pin: '1234' })).back.response.status).toBe(401);
  });
});

describe('client management', () => {
  it('[ID-8.1-a] answers each mistake with the one published error code', async () => {
    const mistakes: [string, Record<string, unknown>][] = [
      ['duplicate_client_id', {}],
      ['invalid_client_id', { clientId: 'x'.repeat(51) }],
      ['invalid_client_name', { clientName: '' }],
      ['invalid_rp_id', { relyingPartyId: '' }],
      ['invalid_uri', { logoUri: 'no uri' }],
      ['invalid_redirect_uri', { redirectUris: [] }],
      ['invalid_redirect_uri', { redirectUris: ['http://elsewhere.test/'] }],
      ['invalid_acr', { authContextRefs: ['x'] }],
      ['invalid_claim', { userClaims: ['x'] }],
      ['invalid_grant_type', { grantTypes: ['implicit'] }],
      ['invalid_client_auth', { clientAuthMethods: ['client_secret_basic'] }],
      ['invalid_public_key', { clientId: 'c2', publicKey: 'string' }],
    ];
    for (const [code, change] of mistakes) {
      const answer = await clients.createOidcClient({
        body: { requestTime: new Date().toISOString(), request: await request(change) },
      });
      expect(
        answer.body.errors.map((error) => error.errorCode),
        JSON.stringify(change),
      ).toEqual([code]);
    }
    const time = await clients.createOidcClient({
      body: { requestTime: '2011-10-05', request: await request() },
    });
    expect(time.body.errors[0]?.errorCode).toBe('invalid_request');
  });

  it('an inactive client can no longer sign anybody in', async () => {
    await clients.createOidcClient({
      body: { requestTime: new Date().toISOString(), request: await request({ clientId: 'old' }) },
    });
    const params = { client_id: 'old' };
    const off = await clients.updateOidcClient({
      params,
      body: { requestTime: new Date().toISOString(), request: await request({ status: 'inactive' }) },
    });
    expect(off.body.errors).toEqual([]);
    const query = new URLSearchParams({
      client_id: 'old',
      redirect_uri: callback,
      response_type: 'code',
      scope: 'openid',
    });
    expect((await fetch(`${origin}/id/auth?${query}`, { redirect: 'manual' })).status).toBe(400);
  });
});
