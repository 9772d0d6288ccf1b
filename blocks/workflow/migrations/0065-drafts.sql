create table draft (
  id uuid not null,
  owner text not null,
  name text not null,
  revision integer not null,
  bpmn text not null,
  dmn jsonb not null,
  bindings jsonb not null,
  definition_id text,
  created_at timestamptz not null,
  changed_at timestamptz not null,
  changed_by text not null,
  constraint draft_pkey primary key (id)
);
create index draft_owner on draft (owner, id);

-- Outlives the draft: who made, changed, deployed and removed it.
create table draft_log (
  id bigint generated always as identity,
  draft_id uuid not null,
  owner text not null,
  action text not null check (action in ('created', 'changed', 'deployed', 'removed')),
  revision integer not null,
  detail text,
  at timestamptz not null,
  application text not null,
  actor text not null,
  organisation text not null,
  constraint draft_log_pkey primary key (id)
);
create index draft_log_draft on draft_log (draft_id, id);
