import { AddressRefused } from '@govstack/platform';
import { type Dispatcher, request } from 'undici';
import type { Connection } from '../connections/connections.ts';
import type { Answer, ConnectionRequest } from '../execution/event.ts';
import { isTemporary, readAll, readBody, without } from './answer-body.ts';
import type { Authenticator } from './authenticate.ts';
import { NotCallable } from './descriptions.ts';

/** How requests leave. */
export interface Outside {
  readonly dispatcher: Dispatcher;
  readonly authenticator: Authenticator;
  readonly maxAnswerBytes: number;
}

export type HttpRequest = Pick<
  Extract<ConnectionRequest, { kind: 'http' }>,
  'method' | 'path' | 'query' | 'headers' | 'body'
>;

/** The address of a request: below that of its connection, whatever its parts say. Throws `NotCallable`. */
function addressOf(baseUrl: string, { path, query }: HttpRequest): URL {
  const base = baseUrl.replace(/\/+$/, '');
  const url = new URL(`${base}${path}`);
  if (url.href !== new URL(base).href.replace(/\/$/, '') + path && path !== '')
    throw new NotCallable('the path leads out of the address of its connection', false);
  for (const [name, value] of Object.entries(query)) {
    for (const one of typeof value === 'string' ? [value] : value) url.searchParams.append(name, one);
  }
  return url;
}

/** Headers of an answer that concern the connection and not the process. */
const notTaken = new Set(['set-cookie', 'www-authenticate', 'authorization', 'connection', 'keep-alive']);

async function sendOnce(
  connection: Connection,
  one: HttpRequest,
  key: string,
  outside: Outside,
  signal: AbortSignal,
): Promise<Answer> {
  const { settings, secret } = connection;
  if (settings.kind === 'smtp')
    throw new NotCallable(`the connection ${connection.name} is not for HTTP`, false);
  const changes = one.method !== 'GET' && one.method !== 'HEAD';
  const body = changes && one.body !== undefined ? JSON.stringify(one.body) : undefined;
  const shown = await outside.authenticator.headers(connection, signal);
  // What only the other side may see is not let into variables when it shows it: the secret, and what was made of it.
  const secrets = [
    secret ?? '',
    ...Object.values(shown).map((one) => one.replace(/^(Basic|Bearer) /, '')),
  ].filter((one) => one.length >= 8);
  const response = await request(addressOf(settings.baseUrl, one), {
    method: one.method,
    headers: {
      accept: 'application/json',
      ...one.headers,
      ...(settings.kind === 'http' ? settings.headers : {}),
      ...(changes ? { 'idempotency-key': key } : {}),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...shown,
    },
    ...(body === undefined ? {} : { body }),
    dispatcher: outside.dispatcher,
    signal,
  });
  const bytes = await readAll(response.body, outside.maxAnswerBytes);
  const headers = Object.entries(response.headers).flatMap(([name, value]) =>
    value === undefined || notTaken.has(name) ? [] : [[name, [value].flat().join(', ')]],
  );
  const contentType = [response.headers['content-type']].flat()[0];
  return {
    status: response.statusCode,
    headers: without(Object.fromEntries(headers), secrets) as Record<string, string>,
    body: without(readBody(bytes, contentType, outside.maxAnswerBytes), secrets),
    temporary: isTemporary(response.statusCode),
  };
}

/**
 * Sends a request over a connection: to addresses that the operator allows, never led elsewhere, with TLS as it is
 * verified everywhere. Throws `NotCallable`, or what the network says.
 */
export async function sendHttp(
  connection: Connection,
  one: HttpRequest,
  key: string,
  outside: Outside,
  signal: AbortSignal,
): Promise<Answer> {
  try {
    const answer = await sendOnce(connection, one, key, outside, signal);
    // An access token may be withdrawn before its time.
    const again = answer.status === 401 && outside.authenticator.refused(connection);
    return again ? await sendOnce(connection, one, key, outside, signal) : answer;
  } catch (error) {
    if (error instanceof AddressRefused)
      throw new NotCallable(`the connection ${connection.name} leads to a place that is not allowed`, false);
    // A header with characters that none may have: the next attempt would be the same.
    if ((error as { code?: string }).code === 'UND_ERR_INVALID_ARG')
      throw new NotCallable(
        `the request over the connection ${connection.name} has a header it cannot have`,
        false,
      );
    throw error;
  }
}
