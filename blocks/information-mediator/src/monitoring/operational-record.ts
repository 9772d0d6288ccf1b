import { createHmac, type KeyObject } from 'node:crypto';
import { metaServiceCodes } from '../directory/change.ts';
import type { ObservedExchange } from '../exchange/observation.ts';

/** What is kept of `X-Road-UserId`: a keyed hash, the text as X-Road does, or nothing. */
export type UserIdPolicy = 'hash' | 'keep' | 'drop';

/** A row of `operational_record`, as it is written. */
export interface OperationalRow {
  readonly node: string;
  readonly side: ObservedExchange['side'];
  readonly exchange_id: string;
  readonly message_id: string;
  readonly client: string;
  readonly operator: string | undefined;
  readonly service: string;
  readonly method: string;
  readonly path: string;
  readonly user_id: string | undefined;
  readonly issue: string | undefined;
  readonly represented_party: string | undefined;
  readonly peer: string | undefined;
  readonly request_in: number;
  readonly request_out: number | undefined;
  readonly response_in: number | undefined;
  readonly response_out: number;
  readonly request_size: number;
  readonly response_size: number;
  readonly status: number;
  readonly fault_code: string | undefined;
  readonly fault_string: string | undefined;
  /** Names under which the exchange is counted: strangers cannot make the statistics grow. */
  readonly counted_client: string;
  readonly counted_service: string;
}

/** Said of clients and services that nobody registered. */
export const unknown = 'unknown';

const longestText = 255;
const longestPath = 2000;

/** No database keeps the character U+0000 in a text. */
const text = (value: string | undefined, longest = longestText): string | undefined =>
  value?.replaceAll('\0', '').slice(0, longest);

export interface Recording {
  /** Name of this machine. */
  readonly node: string;
  readonly userIds: UserIdPolicy;
  /** Key of the hash: equal users are recognised within this installation, and found out by nobody. */
  readonly userIdKey: KeyObject;
}

function userIdOf(userId: string | undefined, { userIds, userIdKey }: Recording): string | undefined {
  if (userId === undefined || userIds === 'drop') return undefined;
  return userIds === 'keep'
    ? userId
    : createHmac('sha256', userIdKey).update(userId).digest().subarray(0, 16).toString('base64url');
}

/** The record of an exchange (IM-6.7-a). */
export function operationalRow(exchange: ObservedExchange, recording: Recording): OperationalRow {
  const { service, fault, known } = exchange;
  // For what the mediator answers itself, inner and outer times are the same (x-road.md 8).
  const meta = metaServiceCodes.has(service.split('/')[4] ?? '') && !fault;
  return {
    node: recording.node,
    side: exchange.side,
    exchange_id: exchange.exchangeId,
    message_id: exchange.messageId,
    client: exchange.client,
    operator: exchange.operator,
    service,
    method: exchange.method,
    path: text(exchange.path, longestPath) as string,
    user_id: text(userIdOf(exchange.userId, recording)),
    issue: text(exchange.issue),
    represented_party: text(exchange.representedParty),
    peer: exchange.peer,
    request_in: exchange.requestIn,
    request_out: meta ? exchange.requestIn : exchange.requestOut,
    response_in: meta ? exchange.responseOut : exchange.responseIn,
    response_out: exchange.responseOut,
    request_size: exchange.requestSize,
    response_size: exchange.responseSize,
    status: exchange.status,
    fault_code: fault?.type,
    fault_string: text(fault?.message),
    counted_client: fault?.type === 'Server.ClientProxy.UnknownMember' ? unknown : exchange.client,
    counted_service: known || !fault ? service : unknown,
  };
}

/** Whether an exchange counts as a success: no fault, and no error of the provider (X-Road's rule). */
export const succeeded = ({ fault, status }: Pick<ObservedExchange, 'fault' | 'status'>): boolean =>
  fault === undefined && status < 400;
