-- Processes that start when another one completes or fails. A changed or removed one keeps its row: who did what, and when.
create table flow_trigger (
  id uuid not null,
  owner text not null,
  source_key text not null,
  outcome text not null,
  target_key text not null,
  mappings jsonb not null,
  created_at timestamptz not null,
  created_by text not null,
  created_through text not null,
  created_for text not null,
  removed_at timestamptz,
  removed_by text,
  removed_through text,
  removed_for text,
  refusal text,
  refused_at timestamptz,
  constraint flow_trigger_pkey primary key (id),
  constraint flow_trigger_outcome_check check (outcome in ('completed', 'failed'))
);
create unique index flow_trigger_once on flow_trigger (owner, source_key, outcome, target_key) where removed_at is null;
