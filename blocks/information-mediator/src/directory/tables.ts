import type { Generated } from 'kysely';

export interface MemberTable {
  id: string;
  name: string;
  signing_key: Buffer;
  signing_certificate_key: unknown;
  created_at: Generated<string>;
}
export interface ApplicationTable {
  id: string;
  member_id: string;
  name: string;
  public_key: unknown;
  operators: string[];
}
export interface ServiceTable {
  id: string;
  application_id: string;
  title: string;
  target: string;
  timeout_ms: number;
  enabled: boolean;
  notice: string | null;
}
export interface AccessRightTable {
  service_id: string;
  subject: string;
  method: string;
  path: string;
  granted_by: string;
  granted_at: Generated<string>;
}
export interface MessageLogTable {
  seq: string;
  exchange_id: string;
  kind: 'request' | 'response';
  at: string;
  client: string;
  operator: string | null;
  service: string;
  method: string;
  path: string;
  status: number | null;
  error: string | null;
  duration_ms: number | null;
  access_used: string | null;
  correlation_id: string;
  trace_id: string;
  signer: string | null;
  key_id: string | null;
  digest: Buffer;
  signature: Buffer | null;
  message: Buffer | null;
  hash: Buffer;
}
export interface SubscriptionTable {
  event_type: string;
  subscriber: string;
}
export interface MediatorTables {
  member: MemberTable;
  application: ApplicationTable;
  service: ServiceTable;
  access_right: AccessRightTable;
  directory_version: { one: boolean; version: string };
  message_log: MessageLogTable;
  subscription: SubscriptionTable;
}
