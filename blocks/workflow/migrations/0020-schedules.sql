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
