-- What a change says to those who listen: which fields, and the action that caused it.
alter table change_log
  add column fields integer[],
  add column correlation_id text,
  -- Only of actions that are being traced.
  add column traceparent text;

-- The order of the chain is the order in which changes are told; a registry's own changes are found by it.
alter table change_seal add column registry_id bigint;
alter table change_seal disable trigger change_seal_append_only;
update change_seal s set registry_id = c.registry_id from change_log c where c.seq = s.change_seq;
alter table change_seal enable trigger change_seal_append_only;
create index change_seal_by_registry on change_seal (registry_id, position);

-- Registries whose changes are published in a room of the information mediator, and how far.
create table registry_room (
  registry_id bigint not null,
  room text not null,
  event_type text not null,
  position bigint not null,
  leased_until timestamptz,
  failures integer not null default 0,
  last_error text,
  constraint registry_room_pkey primary key (registry_id),
  constraint registry_room_registry_fkey foreign key (registry_id) references registry (id)
);

-- Automations: what an analyst has defined, as data.
create table automation (
  id bigint generated always as identity,
  owner text not null,
  code text not null,
  name text not null,
  definition jsonb not null,
  -- Where its records are; null: what is delivered to its hook.
  registry_id bigint,
  state text not null default 'active',
  -- Changes up to here have been looked at; null: it does not listen.
  position bigint,
  next_at timestamptz,
  secret_generation integer not null default 1,
  modified_at timestamptz not null default now(),
  modified_by text not null,
  constraint automation_pkey primary key (id),
  constraint automation_code_key unique (owner, code),
  constraint automation_registry_fkey foreign key (registry_id) references registry (id),
  constraint automation_state_check check (state in ('active', 'paused'))
);
create index automation_due on automation (next_at) where state = 'active';
create index automation_of_registry on automation (registry_id);

create table automation_run (
  id uuid not null,
  automation_id bigint not null,
  cause text not null,
  state text not null default 'running',
  -- The record it has come to.
  place uuid not null default '00000000-0000-0000-0000-000000000000',
  done integer not null default 0,
  failed integer not null default 0,
  started_at timestamptz not null default now(),
  touched_at timestamptz not null default now(),
  ended_at timestamptz,
  error text,
  constraint automation_run_pkey primary key (id),
  constraint automation_run_automation_fkey foreign key (automation_id) references automation (id) on delete cascade,
  constraint automation_run_state_check check (state in ('running', 'done', 'stopped', 'failed'))
);
create index automation_run_history on automation_run (automation_id, started_at);
create unique index automation_run_one_at_a_time on automation_run (automation_id) where state = 'running';

-- What became of a record: no record is worked on twice unless it has failed, or changed where that counts.
create table automation_item (
  automation_id bigint not null,
  record uuid not null,
  row_version integer not null,
  state text not null,
  attempts integer not null,
  next_at timestamptz,
  error text,
  run_id uuid,
  at timestamptz not null default now(),
  constraint automation_item_pkey primary key (automation_id, record),
  constraint automation_item_automation_fkey foreign key (automation_id) references automation (id) on delete cascade,
  constraint automation_item_state_check check (state in ('done', 'waiting', 'dead'))
);
create index automation_item_waiting on automation_item (automation_id, next_at) where state = 'waiting';
create index automation_item_dead on automation_item (automation_id, at) where state = 'dead';
