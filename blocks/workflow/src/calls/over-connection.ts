import type { OutsidePlaces } from '@govstack/platform';
import type { Kysely } from 'kysely';
import { takePlace } from '../connections/admit.ts';
import { type Connection, openConnection } from '../connections/connections.ts';
import { needsSecret } from '../connections/settings.ts';
import type { Answer, ConnectionRequest } from '../execution/event.ts';
import type { Sealing } from '../sealing.ts';
import type { WorkflowTables } from '../tables.ts';
import { NotCallable } from './descriptions.ts';
import { type HttpRequest, type Outside, sendHttp } from './http.ts';
import { sendMail } from './mail.ts';

export interface ConnectionCalls extends Outside {
  readonly db: Kysely<WorkflowTables>;
  readonly sealing: Sealing;
  readonly places: OutsidePlaces;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** Something on its way over a connection. */
export interface Sending {
  readonly owner: string;
  /** The same on every attempt. */
  readonly key: string;
  readonly timeoutMs: number | undefined;
  /** Whether it has its place in the rate limit. */
  readonly admitted: boolean;
}

const protocols = { http: 'http', mail: 'smtp', sms: 'sms' } as const;

/** How a text message is handed to a gateway: the reference makes a repeat harmless. */
const textMessage = (body: ConnectionRequest['body'], reference: string): HttpRequest => ({
  method: 'POST',
  path: '/messages',
  query: {},
  headers: {},
  body: { ...(body as object), reference },
});

const send = (
  connection: Connection,
  request: ConnectionRequest,
  { key, timeoutMs }: Sending,
  calls: ConnectionCalls,
): Promise<Answer> => {
  const ms = timeoutMs ?? connection.settings.timeoutMs ?? calls.timeoutMs;
  const signal = AbortSignal.any([calls.signal, AbortSignal.timeout(ms)]);
  if (request.kind === 'mail') return sendMail(connection, request.body, key, calls.places, ms, signal);
  const one = request.kind === 'http' ? request : textMessage(request.body, key);
  return sendHttp(connection, one, key, calls, signal);
};

/**
 * Sends a request over the connection of its owner that it names: without one, nothing is sent. Answers what the other
 * side said, or when the rate limit lets it go out. Throws `NotCallable`, or what the network says.
 */
export async function sendOverConnection(
  request: ConnectionRequest,
  sending: Sending,
  calls: ConnectionCalls,
): Promise<Answer | { readonly later: string }> {
  const connection = await openConnection(calls.db, calls.sealing, sending.owner, request.connection);
  if (!connection) throw new NotCallable(`there is no connection ${request.connection}`, false);
  const { settings } = connection;
  if (settings.kind !== protocols[request.kind])
    throw new NotCallable(`the connection ${request.connection} is for ${settings.kind}`, false);
  if (request.kind === 'http' && settings.kind === 'http' && !settings.methods.includes(request.method))
    throw new NotCallable(`the connection ${request.connection} does not allow ${request.method}`, false);
  if (needsSecret(settings) && connection.secret === undefined)
    throw new NotCallable(`the secret of the connection ${request.connection} must be given again`, false);
  const later = sending.admitted ? undefined : await takePlace(calls.db, connection);
  return later === undefined ? send(connection, request, sending, calls) : { later };
}
