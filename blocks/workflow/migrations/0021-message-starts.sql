-- Messages that start a process when no instance waits for them: one row per message start event of the revision in force.
create table message_start (
  owner text not null,
  message_name text not null,
  process_key text not null,
  element_id text not null,
  definition_id text not null,
  constraint message_start_pkey primary key (owner, message_name),
  constraint message_start_definition_fkey foreign key (definition_id) references definition (id)
);
create index message_start_process on message_start (owner, process_key);
