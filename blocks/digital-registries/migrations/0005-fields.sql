-- Secret fields: the data keys of a registry, wrapped with a key of the installation. Key 0 is that of the hashes.
create table registry_key (
  registry_id bigint not null,
  id integer not null,
  wrapped bytea,
  active_from timestamptz not null,
  created_at timestamptz not null default now(),
  created_by text not null,
  destroyed_at timestamptz,
  constraint registry_key_pkey primary key (registry_id, id),
  constraint registry_key_registry_fkey foreign key (registry_id) references registry (id),
  constraint registry_key_destroyed_check check ((wrapped is null) = (destroyed_at is not null))
);

-- Keys that let an application see what is secret in a registry: only their hashes.
create table registry_client_key (
  id uuid not null,
  registry_id bigint not null,
  application text not null,
  hash bytea not null,
  created_at timestamptz not null default now(),
  created_by text not null,
  revoked_at timestamptz,
  constraint registry_client_key_pkey primary key (id),
  constraint registry_client_key_hash_key unique (hash),
  constraint registry_client_key_registry_fkey foreign key (registry_id) references registry (id)
);
create index registry_client_key_registry on registry_client_key (registry_id);

alter table registry
  -- Columns that nothing is written to any more: of fields that became secret. [{"field": 3, "column": "f_3", "type": "text"}]
  add column retired_columns jsonb not null default '[]',
  -- Old values of secret fields are still in the open, in retired columns or in the history.
  add column to_conceal boolean not null default false;

-- What was secret in a change, with the salt of its digests: {"salt", "before", "after"}, sealed.
alter table change_content add column sealed bytea;
create index change_content_sealed on change_content (seq) where sealed is not null;

-- Documents: what a file field refers to. One that no record holds is removed after a day.
create table document (
  id uuid not null,
  registry_id bigint not null,
  field integer not null,
  record uuid,
  original_name text not null,
  media_type text not null,
  size integer not null,
  sha256 bytea not null,
  application text not null,
  person text,
  created_at timestamptz not null default now(),
  constraint document_pkey primary key (id),
  constraint document_registry_fkey foreign key (registry_id) references registry (id)
);
create index document_record on document (record) where record is not null;
create index document_unbound on document (created_at) where record is null;
create table document_chunk (
  document_id uuid not null,
  position integer not null,
  bytes bytea not null,
  constraint document_chunk_pkey primary key (document_id, position),
  constraint document_chunk_document_fkey foreign key (document_id) references document (id) on delete cascade
);
alter table document_chunk alter column bytes set storage external;

-- Code lists: keys with labels, in a hierarchy, in force for a time, with what they are in other vocabularies.
create table code_list (
  id bigint generated always as identity,
  owner text not null,
  code text not null,
  name text not null,
  description text not null default '',
  uri text,
  version integer not null default 1,
  modified_at timestamptz not null default now(),
  modified_by text not null,
  constraint code_list_pkey primary key (id),
  constraint code_list_code_key unique (owner, code)
);
create table code_item (
  list_id bigint not null,
  key text not null,
  position integer not null,
  parent text,
  labels jsonb not null,
  uri text,
  mappings jsonb not null,
  valid_from date,
  valid_to date,
  constraint code_item_pkey primary key (list_id, key),
  constraint code_item_list_fkey foreign key (list_id) references code_list (id),
  constraint code_item_parent_fkey foreign key (list_id, parent) references code_item (list_id, key)
    deferrable initially deferred
);
create index code_item_position on code_item (list_id, position);
create index code_item_parent on code_item (list_id, parent, position);
create table code_list_version (
  list_id bigint not null,
  version integer not null,
  content json not null,
  published_at timestamptz not null,
  published_by text not null,
  constraint code_list_version_pkey primary key (list_id, version),
  constraint code_list_version_list_fkey foreign key (list_id) references code_list (id)
);
