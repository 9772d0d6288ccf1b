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
    created_at: Generated<string>;
    state: Generated<'draft' | 'published' | 'archived'>;
    description: Generated<string>;
    domain: Generated<string>;
    institution: Generated<string>;
    classification: Generated<'open' | 'restricted' | 'confidential'>;
    retention_days: Generated<number | null>;
    number_format: Generated<string>;
    storage_profile: Generated<'standard' | 'lean'>;
    columns: Generated<unknown>;
    revision: Generated<string>;
    archived_at: Generated<string | null>;
    modified_at: Generated<string>;
    modified_by: Generated<string>;
  };
  registry_version: {
    registry_id: string;
    version: string;
    position: number;
    schema: unknown;
    fields: unknown;
    published_at: Generated<string>;
    state: Generated<'published' | 'deprecated' | 'withdrawn'>;
    published_by: Generated<string>;
    report: Generated<unknown>;
  };
  registry_draft: {
    registry_id: string;
    schema: unknown;
    modified_at: Generated<string>;
    modified_by: string;
    publishing: Generated<boolean>;
    failure: Generated<string | null>;
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
