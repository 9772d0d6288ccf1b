-- Signals that start a process: one row per signal start event of the revision in force.
create table signal_start (
  owner text not null,
  process_key text not null,
  element_id text not null,
  signal_name text not null,
  definition_id text not null,
  constraint signal_start_pkey primary key (owner, process_key, element_id),
  constraint signal_start_definition_fkey foreign key (definition_id) references definition (id)
);
create index signal_start_match on signal_start (owner, signal_name);

-- A delivery is to a wait of an instance, or to a start event. `depth`: how many signals, messages and starts it
-- follows from.
alter table signal_delivery
  alter column instance_id drop not null,
  alter column subscription_id drop not null,
  add column owner text,
  add column process_key text,
  add column element_id text,
  add column depth integer not null default 0,
  add constraint signal_delivery_target_check check ((instance_id is null) = (process_key is not null));
alter table message add column depth integer not null default 0;

-- An escalation tells the caller of an instance what that did not catch.
alter table job drop constraint job_kind_check;
alter table job add constraint job_kind_check
  check (kind in ('call', 'timer', 'return', 'stop', 'overdue', 'escalation'));
