-- When processes start by themselves: one row per timer start event of the revision in force.
create table schedule (
  owner text not null,
  process_key text not null,
  element_id text not null,
  definition_id text not null,
  timer text not null,
  anchor timestamptz not null,
  due_at timestamptz,
  constraint schedule_pkey primary key (owner, process_key, element_id),
  constraint schedule_definition_fkey foreign key (definition_id) references definition (id)
);
create index schedule_due on schedule (due_at) where due_at is not null;

-- Starts by the clock that an operator has defined. A changed or removed one keeps its row: who did what, and when.
create table clock_trigger (
  id uuid not null,
  owner text not null,
  process_key text not null,
  timer jsonb not null,
  variables jsonb not null,
  anchor timestamptz not null,
  due_at timestamptz,
  created_by text not null,
  created_through text not null,
  created_for text not null,
  removed_at timestamptz,
  removed_by text,
  removed_through text,
  removed_for text,
  refusal text,
  refused_at timestamptz,
  constraint clock_trigger_pkey primary key (id)
);
create unique index clock_trigger_once on clock_trigger (owner, process_key, timer) where removed_at is null;
create index clock_trigger_due on clock_trigger (due_at) where removed_at is null and due_at is not null;
