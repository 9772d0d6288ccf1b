-- API services of a version. Every version has the standard ones; kept is only what is said of them, and an owner's own.
create table registry_service (
  id bigint generated always as identity (start with 1001),
  registry_id bigint not null,
  version text not null,
  name text not null,
  -- The standard service it is, or works like.
  base text not null,
  state text not null default 'visible',
  description text not null default '',
  -- Ids of the fields it is about; null: all.
  fields integer[],
  filter jsonb not null default '[]',
  modified_at timestamptz not null default now(),
  modified_by text not null,
  constraint registry_service_pkey primary key (id),
  constraint registry_service_name_key unique (registry_id, version, name),
  constraint registry_service_registry_fkey foreign key (registry_id) references registry (id),
  constraint registry_service_state_check check (state in ('visible', 'hidden', 'disabled', 'deleted'))
);

-- How often each was used: added up in memory, written every few seconds.
create table registry_service_use (
  registry_id bigint not null,
  version text not null,
  name text not null,
  used bigint not null,
  constraint registry_service_use_pkey primary key (registry_id, version, name),
  constraint registry_service_use_registry_fkey foreign key (registry_id) references registry (id)
);

-- Views of a registry: fields by id, so that they outlive names and versions.
create table registry_view (
  id bigint generated always as identity,
  owner text not null,
  code text not null,
  registry_id bigint not null,
  name text not null,
  description text not null default '',
  definition jsonb not null,
  -- The registry and those it is joined with.
  registries bigint[] not null,
  revision integer not null default 1,
  created_at timestamptz not null default now(),
  modified_at timestamptz not null default now(),
  modified_by text not null,
  -- Since when anybody may read it.
  opened_at timestamptz,
  opened_by text,
  -- Opened although the registry is not classified as open.
  confirmed boolean not null default false,
  constraint registry_view_pkey primary key (id),
  constraint registry_view_code_key unique (owner, code),
  constraint registry_view_registry_fkey foreign key (registry_id) references registry (id)
);
create index registry_view_registries on registry_view using gin (registries);

-- Whether records are shared by link; null: unless the registry is confidential.
alter table registry add column sharing boolean;

-- Links to one record. The token is known to nobody but who holds the link.
create table share_link (
  id uuid not null,
  registry_id bigint not null,
  record uuid not null,
  fields integer[] not null,
  token_hash bytea not null,
  shared_by text not null,
  application text not null,
  role text,
  consent_reference text,
  download boolean not null,
  openings integer not null default 0,
  most_openings integer,
  last_opened_at timestamptz,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  revoked_at timestamptz,
  revoked_by text,
  constraint share_link_pkey primary key (id),
  constraint share_link_token_key unique (token_hash),
  constraint share_link_registry_fkey foreign key (registry_id) references registry (id)
);
create index share_link_sharer on share_link (registry_id, shared_by, created_at);
