import { request } from 'undici';
import type { Credential } from '../api/gateway/policy.ts';
import type { HeaderList } from '../exchange/headers.ts';

interface Token {
  readonly header: string;
  readonly until: number;
}

const patienceMs = 5_000;
const largestAnswer = 65_536;
/** A token is renewed this long before it expires, in milliseconds. */
const spareMs = 10_000;

async function fetchToken({
  tokenUrl,
  clientId,
  clientSecret,
  scope,
}: Extract<Credential, { kind: 'client-credentials' }>): Promise<Token> {
  const form = new URLSearchParams({
    grant_type: 'client_credentials',
    ...(scope === undefined ? {} : { scope }),
  });
  const basic = [clientId, clientSecret].map(encodeURIComponent).join(':');
  const { statusCode, body } = await request(tokenUrl, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      authorization: `Basic ${Buffer.from(basic).toString('base64')}`,
    },
    body: form.toString(),
    signal: AbortSignal.timeout(patienceMs),
  });
  const text = (await body.text()).slice(0, largestAnswer);
  if (statusCode !== 200) throw new Error(`the authorisation server answered ${statusCode}`);
  const { access_token: token, expires_in: seconds = 60 } = JSON.parse(text) as {
    access_token?: string;
    expires_in?: number;
  };
  if (typeof token !== 'string' || !/^[\x21-\x7e]+$/.test(token))
    throw new Error('the authorisation server answered without a token');
  return { header: `Bearer ${token}`, until: Date.now() + seconds * 1000 - spareMs };
}

/** The headers by which the mediator proves itself to a provider, in place of what the client may have sent. */
export function openCredentials(): (service: string, credential: Credential) => Promise<HeaderList> {
  const tokens = new Map<string, Promise<Token>>();
  return async (service, credential) => {
    if (credential.kind === 'header') return [[credential.name, credential.value]];
    const name = `${service} ${JSON.stringify(credential)}`;
    const known = await tokens.get(name)?.catch(() => undefined);
    if (known && known.until > Date.now()) return [['Authorization', known.header]];
    const fresh = fetchToken(credential);
    tokens.set(name, fresh);
    fresh.catch(() => tokens.delete(name));
    return [['Authorization', (await fresh).header]];
  };
}
