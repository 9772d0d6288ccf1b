import { type Dispatcher, request } from 'undici';
import type { Authentication } from '../api/connection-schemas.ts';
import type { Connection } from '../connections/connections.ts';
import { isTemporary, readAll } from './answer-body.ts';
import { NotCallable } from './descriptions.ts';

interface Token {
  readonly text: string;
  readonly expiresAt: number;
}

export interface Authenticator {
  /** Headers that authenticate requests over a connection. Throws `NotCallable`. */
  headers(connection: Connection, signal: AbortSignal): Promise<Readonly<Record<string, string>>>;
  /** The other side has refused what was shown to it: shows something new next time. Answers whether there is. */
  refused(connection: Connection): boolean;
}

const basic = (user: string, password: string): string =>
  `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;

const encoded = (text: string): string => encodeURIComponent(text).replaceAll('%20', '+');
const longestAnswer = 65_536;

const parsed = (bytes: Buffer): { readonly access_token?: unknown; readonly expires_in?: unknown } => {
  try {
    return JSON.parse(bytes.toString('utf8')) ?? {};
  } catch {
    return {};
  }
};

/** Asks for an access token with the client credentials grant (RFC 6749, 4.4). */
async function fetchToken(
  { tokenUrl, clientId, scope }: Extract<Authentication, { kind: 'oauth2' }>,
  secret: string,
  dispatcher: Dispatcher,
  signal: AbortSignal,
): Promise<Token> {
  const response = await request(tokenUrl, {
    method: 'POST',
    headers: {
      accept: 'application/json',
      authorization: basic(encoded(clientId), encoded(secret)),
      'content-type': 'application/x-www-form-urlencoded',
    },
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      ...(scope === undefined ? {} : { scope }),
    }).toString(),
    dispatcher,
    signal,
  });
  const status = response.statusCode;
  const bytes = await readAll(response.body, longestAnswer);
  if (status !== 200) throw new NotCallable(`the token endpoint answered ${status}`, isTemporary(status));
  const answer = parsed(bytes);
  if (typeof answer.access_token !== 'string' || !/^[\x21-\x7e]+$/.test(answer.access_token))
    throw new NotCallable('the token endpoint gave no access token', false);
  const seconds = typeof answer.expires_in === 'number' ? answer.expires_in : 60;
  return { text: answer.access_token, expiresAt: Date.now() + Math.max(0, seconds - 30) * 1000 };
}

/** Authenticates requests; access tokens are kept in memory for as long as they are good. */
export function createAuthenticator(dispatcher: Dispatcher): Authenticator {
  const tokens = new Map<string, Token>();
  const keyOf = ({ owner, name, changedAt }: Connection): string => `${owner} ${name} ${changedAt}`;
  return {
    async headers(connection, signal) {
      const { settings, secret = '' } = connection;
      if (settings.kind === 'smtp') return {};
      const { authentication } = settings;
      switch (authentication.kind) {
        case 'none':
          return {};
        case 'basic':
          return { authorization: basic(authentication.user, secret) };
        case 'bearer':
          return { authorization: `Bearer ${secret}` };
        case 'header':
          return { [authentication.name.toLowerCase()]: secret };
        case 'oauth2': {
          const key = keyOf(connection);
          const known = tokens.get(key);
          const token =
            known && known.expiresAt > Date.now()
              ? known
              : await fetchToken(authentication, secret, dispatcher, signal);
          tokens.delete(key);
          tokens.set(key, token);
          const [oldest] = tokens.keys();
          if (tokens.size > 1000 && oldest !== undefined) tokens.delete(oldest);
          return { authorization: `Bearer ${token.text}` };
        }
      }
    },
    refused(connection) {
      // Requests at the same time showed the same token: each of them may show the next.
      tokens.delete(keyOf(connection));
      const { settings } = connection;
      return settings.kind !== 'smtp' && settings.authentication.kind === 'oauth2';
    },
  };
}
