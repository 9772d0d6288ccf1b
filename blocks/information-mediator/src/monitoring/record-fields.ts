import type { RecordField } from '../api/monitoring/record-schema.ts';

/** A row of `operational_record`, as it is read. Times are milliseconds since 1970. */
export interface StoredRecord {
  readonly at: string;
  readonly seq: string;
  readonly node: string;
  readonly side: 'client' | 'producer' | 'both';
  readonly exchange_id: string;
  readonly message_id: string;
  readonly client: string;
  readonly operator: string | null;
  readonly service: string;
  readonly method: string;
  readonly path: string;
  readonly user_id: string | null;
  readonly issue: string | null;
  readonly represented_party: string | null;
  readonly peer: string | null;
  readonly request_in: string;
  readonly request_out: string | null;
  readonly response_in: string | null;
  readonly response_out: string;
  readonly request_size: string;
  readonly response_size: string;
  readonly status: number;
  readonly fault_code: string | null;
  readonly fault_string: string | null;
}

export type RecordType = 'Client' | 'Producer';

/** A row as the consumer's server would tell it, and as the provider's: one server may be both. */
export const typesOf = ({ side }: Pick<StoredRecord, 'side'>): readonly RecordType[] =>
  side === 'both' ? ['Client', 'Producer'] : side === 'client' ? ['Client'] : ['Producer'];

const part = (id: string, index: number): string | undefined => id.split('/')[index];
const milliseconds = (value: string | null): number | undefined =>
  value === null ? undefined : Number(value);
/** `[class/]code` (x-road.md 2). */
const partyClass = (party: string | null): string | undefined =>
  party?.includes('/') ? party.slice(0, party.indexOf('/')) : undefined;
const partyCode = (party: string | null): string | undefined => party?.slice(party.indexOf('/') + 1);

type Value = (row: StoredRecord, type: RecordType) => string | number | boolean | null | undefined;

const values: Readonly<Record<RecordField, Value>> = {
  monitoringDataTs: ({ at }) => Date.parse(at) / 1000,
  securityServerInternalIp: ({ node }) => node,
  securityServerType: (_row, type) => type,
  requestInTs: (row) => milliseconds(row.request_in),
  requestOutTs: (row) => milliseconds(row.request_out),
  responseInTs: (row) => milliseconds(row.response_in),
  responseOutTs: (row) => milliseconds(row.response_out),
  clientXRoadInstance: ({ client }) => part(client, 0),
  clientMemberClass: ({ client }) => part(client, 1),
  clientMemberCode: ({ client }) => part(client, 2),
  clientSubsystemCode: ({ client }) => part(client, 3),
  serviceXRoadInstance: ({ service }) => part(service, 0),
  serviceMemberClass: ({ service }) => part(service, 1),
  serviceMemberCode: ({ service }) => part(service, 2),
  serviceSubsystemCode: ({ service }) => part(service, 3),
  serviceCode: ({ service }) => part(service, 4),
  serviceVersion: ({ service }) => /-(v\d+)$/.exec(service)?.[1],
  serviceType: () => 'REST',
  restMethod: ({ method }) => method,
  restPath: ({ path }) => path,
  representedPartyClass: (row) => partyClass(row.represented_party),
  representedPartyCode: (row) => partyCode(row.represented_party),
  operator: ({ operator }) => operator,
  messageId: (row) => row.message_id,
  messageUserId: (row) => row.user_id,
  messageIssue: ({ issue }) => issue,
  messageProtocolVersion: () => '1',
  xRequestId: (row) => row.exchange_id,
  clientSecurityServerAddress: (row, type) => (type === 'Client' ? row.node : (row.peer ?? row.node)),
  serviceSecurityServerAddress: (row, type) => (type === 'Producer' ? row.node : (row.peer ?? row.node)),
  requestSize: (row) => Number(row.request_size),
  responseSize: (row) => Number(row.response_size),
  succeeded: (row) => row.fault_code === null && row.status < 400,
  statusCode: ({ status }) => status,
  faultCode: (row) => row.fault_code,
  faultString: (row) => row.fault_string,
  xRoadVersion: () => '1.0',
};

export type OperationalRecord = { readonly [K in RecordField]?: string | number | boolean };

/** A record with the fields asked for; what is not known is left out, as in X-Road. */
export function recordOf(
  row: StoredRecord,
  type: RecordType,
  fields: readonly RecordField[],
): OperationalRecord {
  const record: Partial<Record<RecordField, string | number | boolean>> = {};
  for (const name of fields) {
    const value = values[name](row, type);
    if (value !== undefined && value !== null) record[name] = value;
  }
  return record;
}
