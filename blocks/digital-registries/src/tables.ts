import type { Generated } from 'kysely';

export interface RegistryTables {
  registry: {
    id: Generated<string>;
    owner: string;
    code: string;
    name: string;
    group_name: string;
    requires: 'consent' | 'legal-ground' | null;
    announce: boolean;
    next_field_id: number;
    archived: Generated<boolean>;
    created_at: Generated<string>;
  };
  registry_version: {
    registry_id: string;
    version: string;
    position: number;
    schema: unknown;
    fields: unknown;
    published_at: Generated<string>;
  };
  registry_access: { registry_id: string; application: string; methods: string[]; fields: string[] | null };
  read_log: {
    id: string;
    registry_id: string;
    records: string[];
    subjects: Buffer[];
    fields: string[];
    method: string;
    application: string;
    operator: string | null;
    person: string | null;
    purpose: string | null;
    consent_reference: string | null;
    legal_ground: string | null;
    exchange_id: string;
    correlation_id: string;
    at: string;
  };
}
