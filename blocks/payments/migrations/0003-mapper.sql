-- ID-account mapper: payee identities and financial addresses are held encrypted, found by keyed hashes (tokens).

create table mapper_entry (
  id uuid not null,
  source_id text not null,
  payee_token bytea not null,
  payee_cipher bytea not null,
  current_version uuid not null,
  created_at timestamptz not null default now(),
  constraint mapper_entry_pkey primary key (id),
  constraint mapper_entry_payee_key unique (source_id, payee_token),
  constraint mapper_entry_source_fkey foreign key (source_id) references source_system (id)
);

-- Full history: a change adds a version, none is ever altered.
create table mapper_version (
  id uuid not null,
  entry_id uuid not null,
  number integer not null,
  modality text not null,
  institution_code text,
  address_token bytea,
  address_cipher bytea,
  active boolean not null,
  request_id uuid not null,
  created_at timestamptz not null default now(),
  constraint mapper_version_pkey primary key (id),
  constraint mapper_version_number_key unique (entry_id, number),
  constraint mapper_version_entry_fkey foreign key (entry_id) references mapper_entry (id)
    deferrable initially deferred,
  constraint mapper_version_modality_check check (modality in ('00', '01', '02', '03', '04'))
);
create index mapper_version_address on mapper_version (address_token);
create trigger mapper_version_append_only before update or delete or truncate on mapper_version
  for each statement execute function ledger_append_only();

-- One register or update request and, sealed, what failed in it.
create table mapper_request (
  id uuid not null,
  source_id text not null,
  operation text not null,
  request_id text not null,
  content_hash text not null,
  record_count integer not null,
  failures_cipher bytea,
  failure_count integer not null default 0,
  caller text not null,
  created_at timestamptz not null default now(),
  constraint mapper_request_pkey primary key (id),
  constraint mapper_request_key unique (source_id, operation, request_id),
  constraint mapper_request_source_fkey foreign key (source_id) references source_system (id)
);

-- What a rail said about an address: fresh answers spare asking again.
create table account_check (
  version_id uuid not null,
  rail_id text not null,
  reason_code text,
  amount bigint not null,
  checked_at timestamptz not null,
  constraint account_check_pkey primary key (version_id, rail_id),
  constraint account_check_version_fkey foreign key (version_id) references mapper_version (id),
  constraint account_check_rail_fkey foreign key (rail_id) references rail (id)
);
