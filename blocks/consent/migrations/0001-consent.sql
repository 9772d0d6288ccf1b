create table revision (
  id uuid not null,
  schema_name text not null,
  object_id uuid not null,
  serialized_snapshot text not null,
  serialized_hash text not null,
  serialized_hash_sha256 text not null,
  signed_without_object_id boolean not null,
  timestamp timestamptz not null,
  authorized_by_individual text,
  authorized_by_other text not null,
  predecessor_id uuid,
  predecessor_hash text,
  successor_id uuid,
  block_signature text not null,
  constraint revision_pkey primary key (id),
  constraint revision_predecessor_key unique (predecessor_id),
  constraint revision_predecessor_fkey foreign key (predecessor_id) references revision (id)
);
create index revision_object on revision (object_id, timestamp);

create table policy (
  id uuid not null,
  owner text not null,
  body jsonb not null,
  revision_id uuid not null,
  deleted boolean not null default false,
  constraint policy_pkey primary key (id),
  constraint policy_revision_fkey foreign key (revision_id) references revision (id)
);

create table data_agreement (
  id uuid not null,
  owner text not null,
  policy_id uuid,
  body jsonb not null,
  active boolean not null,
  revision_id uuid not null,
  constraint data_agreement_pkey primary key (id),
  constraint data_agreement_policy_fkey foreign key (policy_id) references policy (id),
  constraint data_agreement_revision_fkey foreign key (revision_id) references revision (id)
);

create table individual (
  id uuid not null,
  external_id text,
  external_id_type text,
  identity_provider_id text,
  constraint individual_pkey primary key (id),
  constraint individual_external_key unique nulls not distinct (identity_provider_id, external_id_type, external_id)
);

create table signature (
  id uuid not null,
  payload text not null,
  signature text not null,
  verification_method text not null,
  verification_payload text not null,
  verification_payload_hash text not null,
  verification_signed_by text not null,
  verification_signed_as text not null,
  signed_without_object_reference boolean not null,
  object_reference uuid not null,
  timestamp timestamptz not null,
  constraint signature_pkey primary key (id),
  constraint signature_object_fkey foreign key (object_reference) references revision (id)
);

create table consent_record (
  id uuid not null,
  individual_id uuid not null,
  data_agreement_id uuid not null,
  data_agreement_revision_id uuid not null,
  data_agreement_revision_hash text not null,
  opt_in boolean not null,
  state text not null,
  revision_id uuid not null,
  signature_id uuid,
  updated_at timestamptz not null,
  constraint consent_record_pkey primary key (id),
  constraint consent_record_once unique (data_agreement_revision_id, individual_id),
  constraint consent_record_state_check check (state in ('unsigned', 'pending more signatures', 'signed')),
  constraint consent_record_individual_fkey foreign key (individual_id) references individual (id),
  constraint consent_record_agreement_fkey foreign key (data_agreement_id) references data_agreement (id),
  constraint consent_record_agreement_revision_fkey foreign key (data_agreement_revision_id) references revision (id),
  constraint consent_record_revision_fkey foreign key (revision_id) references revision (id),
  constraint consent_record_signature_fkey foreign key (signature_id) references signature (id)
);
create index consent_record_individual on consent_record (individual_id, updated_at);

-- Who did or asked what about which object: writes and readings of consent alike (CON-4.4-c, CON-5.1.2).
create table audit_entry (
  id uuid not null,
  at timestamptz not null,
  application text not null,
  person text,
  action text not null,
  object_id text,
  outcome text not null,
  constraint audit_entry_pkey primary key (id)
);
create index audit_entry_object on audit_entry (object_id, at);
