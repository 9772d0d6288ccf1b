import type { ColumnType, Generated } from 'kysely';

type Timestamp = ColumnType<string, string | Date, string | Date>;
type Json = ColumnType<unknown, string, string>;

export interface InstanceTable {
  code: string;
  title: string;
}

export interface MemberTable {
  id: string;
  instance_code: string;
  name: string;
  created_at: Generated<string>;
}

/** How an application reaches its security server; `https` is with a certificate of its own. */
export type Connection = 'http' | 'https' | 'https-noauth';

export interface ApplicationTable {
  id: string;
  member_id: string;
  name: string;
  status: Generated<'registered' | 'disabled'>;
  public_key: Json | null;
  operators: Generated<string[]>;
  connection: Generated<Connection>;
  /** PEM. */
  tls_certificates: Generated<string[]>;
  created_at: Generated<string>;
}

export interface ServiceTable {
  id: string;
  application_id: string;
  title: string;
  target: string;
  /** Null: under `/openapi.json` of the target. */
  spec_url: string | null;
  openapi: Json | null;
  timeout_ms: Generated<number>;
  enabled: Generated<boolean>;
  notice: string | null;
  created_at: Generated<string>;
}

export interface AccessRightTable {
  service_id: string;
  subject: string;
  method: string;
  path: string;
  granted_by: string;
  granted_at: Generated<string>;
}

export interface AccessGroupTable {
  id: string;
  description: string;
}

export interface DisabledEndpointTable {
  service_id: string;
  method: string;
  path: string;
  notice: string;
}

export interface RegistrationRequestTable {
  id: string;
  kind: 'member' | 'application' | 'access';
  subject: string;
  provider: string | null;
  document: Json;
  state: Generated<string>;
  agency: string;
  requested_by: string;
  requested_at: Generated<string>;
  decided_by: string | null;
  decided_at: Timestamp | null;
  reason: string | null;
}

export interface GatewayPolicyTable {
  service_id: string;
  policy: Json;
  credential: Buffer | null;
}

export interface PlanSubscriptionTable {
  service_id: string;
  consumer: string;
  plan: string;
  since: Generated<string>;
  expires_at: Timestamp | null;
}

export interface SigningKeyTable {
  key_id: string;
  owner: string;
  purpose: 'message' | 'caller' | 'authority' | 'authentication' | 'configuration' | 'time-stamping';
  public_key: Json;
  private_key: Buffer;
  created_at: Generated<string>;
  retired_at: Timestamp | null;
}

export interface CertificateTable {
  key_id: string;
  owner: string;
  use: 'authority' | 'signing' | 'authentication' | 'time-stamping';
  der: Buffer;
  serial: string;
  not_after: Timestamp;
  stored_at: Generated<string>;
  revoked_at: Timestamp | null;
}

export interface OcspAnswerTable {
  key_id: string;
  this_update: Timestamp;
  status: string;
  der: Buffer;
}

export interface MessageLogTable {
  seq: string;
  exchange_id: string;
  kind: 'request' | 'response';
  at: string;
  message_id: string;
  client: string;
  operator: string | null;
  service: string;
  method: string;
  path: string;
  correlation_id: string;
  trace_id: string;
  status: number | null;
  error: string | null;
  duration_ms: number | null;
  access_right: string | null;
  head_digest: Buffer;
  body_digest: Buffer | null;
  body_size: number;
  signer: string | null;
  key_id: string | null;
  signature: Buffer | null;
  signed_at: string | null;
  hash_chain: Buffer | null;
  verified: boolean;
  hash: Buffer;
}

export interface TimeStampTable {
  from_seq: string;
  to_seq: string;
  root: Buffer;
  token: Buffer;
  authority: Buffer;
  stamped_at: Timestamp;
}

export interface ArchiveTable {
  from_seq: string;
  to_seq: string;
  name: string;
  digest: Buffer;
  chain_hash: Buffer;
  archived_at: Generated<string>;
}

export interface MessageBodyTable {
  exchange_id: string;
  kind: 'request' | 'response';
  part: number;
  contents: Buffer;
  written_at: Generated<string>;
}

export interface SubscriptionTable {
  source: string;
  event_type: string;
  subscriber: string;
  granted_by: string;
  created_at: Generated<string>;
  id: Generated<string>;
  room: Generated<boolean>;
  delivery: Generated<'PUSH' | 'PULL'>;
  endpoint: string | null;
  ttl_seconds: number | null;
  fifo: Generated<boolean>;
  retry: Json | null;
  max_queue: number | null;
  secret: Buffer | null;
  suspended_at: Timestamp | null;
}

export interface RoomTable {
  application: string;
  created_at: Generated<string>;
}

export interface EventTypeTable {
  room: string;
  name: string;
  version: number;
  schema: Json;
  created_at: Generated<string>;
}

export interface EventTable {
  source: string;
  id: string;
  type: string;
  subject: string | null;
  document: Json;
  received_at: Generated<string>;
  publisher: string | null;
  key: string | null;
  sequence: string | null;
  stopped_at: Timestamp | null;
}

export interface DeliveryTable {
  seq: Generated<string>;
  source: string;
  event_id: string;
  event_type: string;
  subscriber: string;
  ordering_key: string | null;
  state: Generated<'waiting' | 'delivered' | 'dead' | 'expired' | 'stopped'>;
  attempts: Generated<number>;
  next_at: Timestamp;
  last_error: string | null;
  created_at: Generated<string>;
  delivered_at: Timestamp | null;
  pulled: Generated<boolean>;
  expires_at: Timestamp | null;
}

export interface DeliveryAttemptTable {
  delivery: string;
  attempt: number;
  at: Generated<string>;
  status: number;
  error: string | null;
}

export interface ExchangeStatisticsTable {
  hour: Timestamp;
  service: string;
  client: string;
  status: number;
  error: string;
  side: 'client' | 'producer' | 'both';
  exchanges: string;
  duration_ms: string;
  longest_ms: string;
  request_bytes: string;
  response_bytes: string;
}

export interface ConfigurationVersionTable {
  version: number;
  at: Generated<string>;
  actor: string;
  method: 'found' | 'create' | 'update' | 'replace' | 'restore';
  restored: number | null;
  etag: string;
  document: Json;
  changes: Json;
}

export interface AuditTable {
  seq: Generated<string>;
  at: Timestamp;
  exchange_id: string;
  application: string;
  person: string | null;
  agency: string;
  surface: string;
  operation: string;
  subject: Json;
}

export interface AuditOutcomeTable {
  seq: string;
  at: Timestamp;
  status: number;
  refusal: string | null;
}

export interface ContentsReadingTable {
  seq: Generated<string>;
  at: Generated<string>;
  exchange_id: string;
  kind: 'request' | 'response';
  reader: string;
  agency: string;
  application: string;
  reason: string;
}

export interface SystemLogTable {
  seq: Generated<string>;
  at: Timestamp;
  node: string;
  level: number;
  message: string;
  fields: Json;
}

export interface MonitoringCollectorTable {
  one: Generated<boolean>;
  /** Null: nothing is shipped. */
  url: string | null;
  format: 'otlp' | 'webhook';
  ships: ('records' | 'log' | 'indicators')[];
  secret: Buffer | null;
  changed_at: Timestamp;
  changed_by: string;
}

export interface MediatorTables {
  instance: InstanceTable;
  member: MemberTable;
  application: ApplicationTable;
  service: ServiceTable;
  access_right: AccessRightTable;
  access_group: AccessGroupTable;
  gateway_policy: GatewayPolicyTable;
  plan_subscription: PlanSubscriptionTable;
  registration_request: RegistrationRequestTable;
  group_member: { group_id: string; application: string };
  disabled_endpoint: DisabledEndpointTable;
  directory_version: { one: boolean; version: string };
  signing_key: SigningKeyTable;
  certificate: CertificateTable;
  security_server: {
    id: string;
    address: string;
    certificates: string[];
    clients: string[];
    maintenance: string | null;
  };
  published_configuration: { instance: string; version: string; content: string };
  received_configuration: {
    instance: string;
    version: string;
    document: string;
    received_at: Generated<string>;
  };
  ocsp_answer: OcspAnswerTable;
  message_log: MessageLogTable;
  message_content: { seq: string; contents: Buffer };
  message_body: MessageBodyTable;
  time_stamp: TimeStampTable;
  archive: ArchiveTable;
  maintenance: { one: Generated<boolean>; notice: string; since: Generated<string> };
  chain_head: { one: boolean; seq: string; hash: Buffer };
  subscription: SubscriptionTable;
  event: EventTable;
  delivery: DeliveryTable;
  delivery_attempt: DeliveryAttemptTable;
  room: RoomTable;
  event_type: EventTypeTable;
  retry_default: { one: Generated<boolean>; policy: Json };
  contents_reading: ContentsReadingTable;
  audit: AuditTable;
  audit_outcome: AuditOutcomeTable;
  system_log: SystemLogTable;
  monitoring_collector: MonitoringCollectorTable;
  exchange_statistics: ExchangeStatisticsTable;
  spent_assertion: { digest: Buffer; expires_at: Timestamp };
  configuration: { one: Generated<boolean>; domain: string };
  configuration_version: ConfigurationVersionTable;
}
