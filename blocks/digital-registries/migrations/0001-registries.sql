-- Registries: who owns them, their versions, who else may use them.
create table registry (
  id bigint generated always as identity,
  owner text not null,
  code text not null,
  name text not null,
  group_name text not null,
  requires text,
  announce boolean not null default false,
  next_field_id integer not null,
  archived boolean not null default false,
  created_at timestamptz not null default now(),
  constraint registry_pkey primary key (id),
  constraint registry_code_key unique (owner, code),
  constraint registry_requires_check check (requires in ('consent', 'legal-ground'))
);

create table registry_version (
  registry_id bigint not null,
  version text not null,
  position integer not null,
  schema jsonb not null,
  fields jsonb not null,
  published_at timestamptz not null default now(),
  constraint registry_version_pkey primary key (registry_id, version),
  constraint registry_version_position_key unique (registry_id, position),
  constraint registry_version_registry_fkey foreign key (registry_id) references registry (id)
);

create table registry_access (
  registry_id bigint not null,
  application text not null,
  methods text[] not null,
  fields text[],
  constraint registry_access_pkey primary key (registry_id, application),
  constraint registry_access_registry_fkey foreign key (registry_id) references registry (id)
);

-- One table per registry, made from its schema: reg.r_<registry id>, columns f_<field id>.
create schema reg;

-- Every change, with what was before and after. The chain over it is in change_seal.
create table change_log (
  seq bigint generated always as identity,
  registry_id bigint not null,
  record uuid not null,
  row_version integer not null,
  action text not null,
  application text not null,
  operator text,
  person text,
  exchange_id text not null,
  before jsonb,
  after jsonb,
  at timestamptz not null,
  digest bytea not null,
  constraint change_log_pkey primary key (seq),
  constraint change_log_registry_fkey foreign key (registry_id) references registry (id),
  constraint change_log_action_check check (action in ('create', 'update', 'delete'))
);
create index change_log_record on change_log (record, row_version);

-- Changes are chained shortly after they are written, by one writer, so that writers do not wait for each other.
create table change_seal (
  position bigint not null,
  change_seq bigint not null,
  hash bytea not null,
  constraint change_seal_pkey primary key (position),
  constraint change_seal_change_key unique (change_seq),
  constraint change_seal_change_fkey foreign key (change_seq) references change_log (seq)
);

-- Every look at personal data: who, why, on what ground. The person is found by keyed hash of their identifier.
create table read_log (
  id uuid not null,
  registry_id bigint not null,
  records uuid[] not null,
  subjects bytea[] not null,
  fields text[] not null,
  method text not null,
  application text not null,
  operator text,
  person text,
  purpose text,
  consent_reference text,
  legal_ground text,
  exchange_id text not null,
  correlation_id text not null,
  at timestamptz not null,
  constraint read_log_pkey primary key (id),
  constraint read_log_registry_fkey foreign key (registry_id) references registry (id)
);
create index read_log_subjects on read_log using gin (subjects);

create function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception 'the logs are append-only';
end $$;
create trigger change_log_append_only before update or delete or truncate on change_log
  for each statement execute function refuse_change();
create trigger change_seal_append_only before update or delete or truncate on change_seal
  for each statement execute function refuse_change();
create trigger read_log_append_only before update or delete or truncate on read_log
  for each statement execute function refuse_change();
