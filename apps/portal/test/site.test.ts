import { createPublicKey } from 'node:crypto';
import { CallFailed, Problem } from '@govstack/platform';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { languages } from '../src/languages.ts';
import { readCatalogue } from '../src/rendering/translations.ts';
import { clientKey } from '../src/sign-in/client-key.ts';
import { localPath } from '../src/sign-in/pages.ts';
import { problemPageOf, problemPages } from '../src/site/problem-pages.ts';
import { startPortal, type TestPortal } from './support/portal.ts';
import { UserAgent } from './support/user-agent.ts';

let portal: TestPortal;
beforeAll(async () => {
  portal = await startPortal();
});
afterAll(() => portal?.stop());

describe('every page', () => {
  test('forbids foreign content, frames and sniffing; runs no inline script but the known one', async () => {
    const response = await new UserAgent(portal).request('/');
    const policy = response.headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).toMatch(/script-src 'self' 'sha256-[A-Za-z0-9+/=]+';/);
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toContain('unsafe');
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    expect(response.headers.get('referrer-policy')).toBe('same-origin');
    const html = await response.text();
    expect(html).not.toMatch(/\sstyle=|\son\w+=|https?:\/\/(?!www\.w3\.org)/);
  });

  test('[RGN-5.1.3-a] speaks the language asked for, keeps the choice and the page', async () => {
    const agent = new UserAgent(portal);
    const first = await agent.request('/services/family-support', { headers: { 'accept-language': 'fr' } });
    expect(first.headers.get('content-language')).toBe('fr');
    const chosen = await agent.request('/services/family-support?from=x&lang=ar');
    expect(chosen.status).toBe(303);
    expect(chosen.headers.get('location')).toBe('/services/family-support?from=x');
    const html = await (await agent.request('/services/family-support?from=x')).text();
    expect(html).toContain('<html lang="ar" dir="rtl"');
    expect(html).toContain('الدعم النقدي للأسر');
    expect(html).toMatch(/portal-rtl\.[0-9a-f]{12}\.css/);
    expect(html).toContain('href="/services/family-support?from=x&amp;lang=fr"');
  });

  test('an unknown language changes nothing; a foreign address in the path stays on this site', async () => {
    const agent = new UserAgent(portal);
    const response = await agent.request('/?lang=xx');
    expect(response.headers.get('location')).toBe('/');
    expect(agent.cookie('portal-language')).toBeUndefined();
    const foreign = await fetch(`${portal.url}//evil.example/?lang=fr`, { redirect: 'manual' });
    expect(foreign.headers.get('location')).toBe('/evil.example/');
  });

  test('assets are compressed, never change under their name, and need no session', async () => {
    const agent = new UserAgent(portal);
    const html = await (await agent.request('/')).text();
    const [css = ''] = /\/assets\/portal\.[0-9a-f]+\.css/.exec(html) ?? [];
    const response = await fetch(`${portal.url}${css}`, { headers: { 'accept-encoding': 'br' } });
    expect(response.headers.get('content-encoding')).toBe('br');
    expect(response.headers.get('cache-control')).toContain('immutable');
    expect(Number(response.headers.get('content-length'))).toBeLessThan(25_000);
    expect((await agent.request('/assets/portal.css')).status).toBe(404);
    expect((await agent.request('/assets/../package.json')).status).toBe(404);
  });
});

describe('signing in', () => {
  test('proves the portal with its key, and comes back to the page asked for', async () => {
    const agent = new UserAgent(portal);
    const asked = await agent.request('/messages');
    expect(asked.headers.get('location')).toBe('/sign-in?return=%2Fmessages');
    const begun = await agent.request('/sign-in?return=%2Fmessages');
    const authorization = new URL(begun.headers.get('location') ?? '');
    expect(authorization.searchParams.get('code_challenge_method')).toBe('S256');
    expect(authorization.searchParams.get('state')).toBeTruthy();
    expect(authorization.searchParams.get('nonce')).toBeTruthy();
    const { response, url } = await agent.signIn('amina', '/messages');
    expect(url).toBe(`${portal.url}/messages`);
    expect(response.status).toBe(200);
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(await response.text()).toContain('Amina Osei');
  });

  test('gives an opaque cookie that scripts cannot read and other sites cannot send with forms', async () => {
    const agent = new UserAgent(portal);
    let cookies = '';
    const seen = agent.request.bind(agent);
    agent.request = async (target, init) => {
      const response = await seen(target, init);
      cookies += response.headers.getSetCookie().join('\n');
      return response;
    };
    await agent.signIn('amina');
    const session = /^portal=.*$/m.exec(cookies)?.[0] ?? '';
    expect(session).toMatch(/^portal=[A-Za-z0-9_-]{43}; Path=\/; HttpOnly; SameSite=Lax$/);
  });

  test('a callback that was forged, replayed or begun elsewhere signs nobody in', async () => {
    const agent = new UserAgent(portal);
    const forged = await agent.request('/sign-in/callback?code=x&state=y');
    expect(forged.headers.get('location')).toBe('/sign-in/failed');
    expect(agent.cookie('portal')).toBeUndefined();
    await agent.request('/sign-in');
    const wrongState = await agent.open('/sign-in/callback?code=x&state=y');
    expect(wrongState.response.status).toBe(400);
    const html = await wrongState.response.text();
    expect(html).toContain('You could not be signed in');
    expect(html).not.toMatch(/state|nonce|OAUTH|Error:/);
    const refused = await new UserAgent(portal).open('/sign-in/callback?error=access_denied&state=y');
    expect(refused.response.status).toBe(400);
  });

  test('a session id that was planted before the sign-in is worthless after it', async () => {
    const agent = new UserAgent(portal);
    agent.setCookie('portal', 'A'.repeat(43));
    await agent.signIn('amina', '/sign-in');
    expect(agent.cookie('portal')).not.toBe('A'.repeat(43));
    const thief = new UserAgent(portal);
    thief.setCookie('portal', 'A'.repeat(43));
    expect((await thief.request('/applications')).status).toBe(401);
  });

  test('signing out ends the session here and leads to the provider', async () => {
    const agent = new UserAgent(portal);
    await agent.signIn('amina');
    const cookie = agent.cookie('portal') as string;
    const fields = await agent.hiddenFields('/applications');
    const out = await agent.post('/sign-out', { _csrf: fields._csrf ?? '' });
    expect(out.headers.get('location')).toContain(`${portal.provider.issuer}/session/end?`);
    const thief = new UserAgent(portal);
    thief.setCookie('portal', cookie);
    expect((await thief.request('/applications')).status).toBe(401);
  });

  test('an ageing access token is renewed on the way to a page, an expired one stops a form', async () => {
    portal.provider.accessTokenSeconds = 31;
    const agent = new UserAgent(portal);
    await agent.signIn('amina');
    const before = agent.cookie('portal');
    const fields = await agent.hiddenFields('/apply/family-support/form/housing');
    portal.provider.accessTokenSeconds = 600;
    await expect.poll(async () => (await agent.request('/applications')).status).toBe(303);
    const late = await agent.post('/apply/family-support/form/housing', { ...fields, roof: 'tin' });
    expect(late.status).toBe(401);
    expect(await late.text()).toContain('Your session has ended');
    const { url } = await agent.open('/sign-in?return=/applications');
    expect(url).toBe(`${portal.url}/applications`);
    expect(agent.cookie('portal')).not.toBe(before);
  });

  test('of a value that is given twice in an address the first counts', async () => {
    const agent = new UserAgent(portal);
    const { url } = await agent.signIn('amina', '/sign-in?return=/messages&return=/applications');
    expect(url).toBe(`${portal.url}/messages`);
  });

  test.each([
    ['/apply/x?y=1', '/apply/x?y=1'],
    ['https://evil.example', '/'],
    ['//evil.example', '/'],
    ['/\\evil.example', '/'],
    ['/a b', '/'],
    ['/sign-in', '/'],
    [undefined, '/'],
  ])('comes back from %s to %s', (asked, expected) => {
    expect(localPath(asked)).toBe(expected);
  });

  test('the client key is the same for the same secret and a point on the curve', () => {
    const seed = Buffer.alloc(32, 7);
    expect(clientKey(seed).publicJwk).toEqual(clientKey(seed).publicJwk);
    expect(clientKey(Buffer.alloc(32, 8)).kid).not.toBe(clientKey(seed).kid);
    expect(createPublicKey({ key: clientKey(seed).publicJwk, format: 'jwk' }).asymmetricKeyType).toBe('ec');
  });
});

describe('forms', () => {
  const path = '/apply/family-support/form/housing';

  test('without the session’s anti-forgery token change nothing', async () => {
    const agent = new UserAgent(portal);
    await agent.signIn('amina');
    const fields = await agent.hiddenFields(path);
    const other = new UserAgent(portal);
    await other.signIn('bakary');
    const foreign = await other.hiddenFields(path);
    for (const token of ['', 'x', foreign._csrf ?? '']) {
      const response = await agent.post(path, { ...fields, _csrf: token, roof: 'tin' });
      expect(response.status).toBe(403);
    }
    const evil = await agent.post(path, { ...fields, roof: 'tin' }, { origin: 'https://evil.example' });
    expect(evil.status).toBe(403);
    expect(await portal.backend.draft({ id: 'amina' } as never, 'family-support')).toBeUndefined();
  });

  test('bodies of the wrong kind or size are refused with a page', async () => {
    const agent = new UserAgent(portal);
    await agent.signIn('amina');
    const fields = await agent.hiddenFields(path);
    const json = await agent.request(path, {
      method: 'POST',
      body: JSON.stringify(fields),
      headers: { 'content-type': 'application/xml' },
    });
    expect(json.status).toBe(415);
    const large = await agent.post(path, { ...fields, roof: 'x'.repeat(300_000) });
    expect(large.status).toBe(413);
    expect(await large.text()).toContain('That was too much at once');
  });

  test('that anybody may send take no files', async () => {
    const body = new FormData();
    body.set('code', 'x');
    const response = await new UserAgent(portal).request('/shared', { method: 'POST', body });
    expect(response.status).toBe(415);
    expect((await new UserAgent(portal).post('/shared', { code: 'x' })).status).toBe(404);
  });

  test('an expired session stops a form with a page that leads back to signing in', async () => {
    const agent = new UserAgent(portal);
    agent.setCookie('portal', 'B'.repeat(43));
    const response = await agent.post(path, { roof: 'tin' });
    expect(response.status).toBe(401);
    expect(await response.text()).toContain(
      `/sign-in?return=${encodeURIComponent('/apply/family-support/form/housing')}`,
    );
  });
});

describe('pages of other people', () => {
  test('are not found for citizens, and staff pages are refused to whoever lacks the role', async () => {
    const amina = new UserAgent(portal);
    await amina.signIn('amina');
    const bakary = new UserAgent(portal);
    await bakary.signIn('bakary');
    expect((await amina.request('/applications/file-0')).status).toBe(200);
    expect((await bakary.request('/applications/file-0')).status).toBe(404);
    expect((await bakary.request('/applications/file-0/behind-the-scenes')).status).toBe(404);
    for (const staff of ['/office/tasks', '/office/tasks/task-1', '/office/programmes'])
      expect((await amina.request(staff)).status, staff).toBe(403);
    const officer = new UserAgent(portal);
    await officer.signIn('officer');
    expect((await officer.request('/office/tasks')).status).toBe(200);
    expect((await officer.request('/office/programmes')).status).toBe(403);
  });
});

describe('problems', () => {
  test('each has its page in every language', () => {
    for (const language of languages) {
      const texts = readCatalogue(language).problems as Record<string, { title?: string; text?: string }>;
      for (const page of problemPages) {
        expect(texts[page]?.title, `${language} ${page}`).toBeTruthy();
        expect(texts[page]?.text, `${language} ${page}`).toBeTruthy();
      }
    }
  });

  const failed = (status: number, headers: Record<string, string> = {}): CallFailed =>
    new CallFailed('op', 'A/B/C/d/e', { status, headers, body: Buffer.from('') });

  test.each([
    [new Problem(404, 'x'), 'not-found', 404],
    [failed(409), 'conflict', 409],
    [failed(403), 'forbidden', 403],
    [failed(401), 'expired', 401],
    [failed(503), 'unavailable', 503],
    [failed(500, { 'x-road-error': 'Server.ServerProxy.ServiceFailed' }), 'unavailable', 503],
    [failed(500, { 'x-road-error': 'Server.ServerProxy.AccessDenied' }), 'failed', 500],
    [new Error('password=1'), 'failed', 500],
  ])('%s becomes %s', (error, page, status) => {
    expect(problemPageOf(error)).toEqual({ page, status });
  });

  test.each(languages)('never show what went wrong inside (%s)', async (language) => {
    const agent = new UserAgent(portal);
    await agent.signIn('amina');
    portal.backend.failWith = new Error('relation "secret_table" does not exist');
    const response = await agent.request('/applications', { headers: { 'accept-language': language } });
    portal.backend.failWith = undefined;
    expect(response.status).toBe(500);
    expect(response.headers.get('content-language')).toBe(language);
    expect(response.headers.get('content-security-policy')).toContain("default-src 'none'");
    const html = await response.text();
    expect(html).not.toMatch(/secret_table|relation|at \w+ \(|node_modules/);
    expect(html).toContain(response.headers.get('x-correlation-id') as string);
  });

  test.each(['/nothing', '/services/unknown', '/office/nothing', '/apply'])('no page at %s', async (path) => {
    const response = await new UserAgent(portal).request(path);
    expect([400, 404]).toContain(response.status);
    expect(await response.text()).not.toMatch(/stack|FST_|node_modules/);
  });

  test('health answers without a session', async () => {
    expect((await fetch(`${portal.url}/health/live`)).status).toBe(200);
    expect((await fetch(`${portal.url}/health/ready`)).status).toBe(200);
  });
});
