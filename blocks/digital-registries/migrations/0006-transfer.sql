-- Import and export: what was asked, how far it is, and the files in parts.
create schema stage;

create table transfer_import (
  id uuid not null,
  owner text not null,
  registry_id bigint not null,
  code text not null,
  version text not null,
  format text not null,
  mode text not null,
  upsert_by text[] not null,
  dry_run boolean not null,
  options jsonb not null,
  mapping jsonb,
  state text not null default 'uploading',
  -- Where work goes on, whatever stopped it.
  phase text not null default 'reading',
  failure text,
  -- For whom it writes: the caller, the person, the ground.
  reader jsonb not null,
  application text not null,
  person text,
  parts integer not null default 0,
  rows_read bigint not null default 0,
  rows_faulty bigint not null default 0,
  rows_created bigint not null default 0,
  rows_changed bigint not null default 0,
  rows_unchanged bigint not null default 0,
  rows_undone bigint not null default 0,
  rows_kept bigint not null default 0,
  per_second integer not null default 0,
  faults bigint not null default 0,
  -- The last row of the file that is written.
  written_to bigint not null default 0,
  created_at timestamptz not null,
  started_at timestamptz,
  ended_at timestamptz,
  content_until timestamptz not null,
  constraint transfer_import_pkey primary key (id),
  constraint transfer_import_registry_fkey foreign key (registry_id) references registry (id),
  constraint transfer_import_state_check check (state in ('uploading', 'waiting', 'reading', 'checking', 'writing',
    'finished', 'checked', 'refused', 'failed', 'cancelled', 'undoing', 'undone')),
  constraint transfer_import_phase_check check (phase in ('reading', 'checking', 'writing', 'undoing'))
);
create index transfer_import_by_owner on transfer_import (owner, id);

-- What is wrong in an import, by row and column. The value is kept where it is not personal.
create table transfer_fault (
  import_id uuid not null,
  number bigint generated always as identity,
  row bigint not null,
  field text not null,
  detail text not null,
  value text,
  constraint transfer_fault_pkey primary key (import_id, number),
  constraint transfer_fault_import_fkey foreign key (import_id) references transfer_import (id)
);
create index transfer_fault_by_row on transfer_fault (import_id, row);

-- Which changes an import made, so that they can be undone: it is found in the change log, not listed again.
create table transfer_chunk (
  import_id uuid not null,
  number integer not null,
  first_seq bigint not null,
  last_seq bigint not null,
  exchange_id text not null,
  constraint transfer_chunk_pkey primary key (import_id, number),
  constraint transfer_chunk_import_fkey foreign key (import_id) references transfer_import (id)
);

create table transfer_export (
  id uuid not null,
  owner text not null,
  registry_id bigint not null,
  code text not null,
  version text not null,
  format text not null,
  selection jsonb not null,
  state text not null default 'waiting',
  failure text,
  reader jsonb not null,
  application text not null,
  person text,
  rows bigint not null default 0,
  parts integer not null default 0,
  bytes bigint not null default 0,
  -- Where the next part begins, and what the file's end must know of what is before it.
  place text,
  progress jsonb,
  created_at timestamptz not null,
  ended_at timestamptz,
  content_until timestamptz not null,
  constraint transfer_export_pkey primary key (id),
  constraint transfer_export_registry_fkey foreign key (registry_id) references registry (id),
  constraint transfer_export_state_check check (state in ('waiting', 'working', 'finished', 'failed', 'cancelled'))
);
create index transfer_export_by_owner on transfer_export (owner, id);

-- Parts of files, compressed.
create table transfer_part (
  transfer_id uuid not null,
  number integer not null,
  bytes integer not null,
  sha256 bytea not null,
  content bytea not null,
  constraint transfer_part_pkey primary key (transfer_id, number)
);
alter table transfer_part alter column content set storage external;

-- How far the chain over the changes is closed. Every change up to `sealed_to` is in it; `swept_to` is where the present
-- sweep is; once every transaction before `seen_xid` is over, nothing up to `seen_seq` can appear any more.
create table change_mark (
  one boolean not null default true,
  sealed_to bigint not null,
  swept_to bigint not null,
  seen_seq bigint not null,
  seen_xid xid8 not null,
  settling boolean not null default false,
  constraint change_mark_pkey primary key (one),
  constraint change_mark_one_check check (one)
);
insert into change_mark (sealed_to, swept_to, seen_seq, seen_xid)
select m, m, m, pg_current_xact_id()
from (select greatest(coalesce(max(change_seq), 0) - 100000, 0) as m from change_seal) s;
