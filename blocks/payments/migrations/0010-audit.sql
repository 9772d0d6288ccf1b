-- One audit log for everything people and applications do here, in place of the log of settings alone.

create table audit_entry (
  id uuid not null,
  component text not null,
  action text not null,
  subject text not null,
  actor text not null,
  terminal text,
  outcome text not null default 'succeeded',
  detail jsonb not null default '{}',
  -- What must not be readable to everybody who may read the log, encrypted, with the id of its key.
  sealed bytea,
  key_id text,
  correlation_id text not null,
  at timestamptz not null default now(),
  constraint audit_entry_pkey primary key (id),
  constraint audit_entry_outcome_check check (outcome in ('succeeded', 'refused', 'failed')),
  constraint audit_entry_key_check check ((sealed is null) = (key_id is null))
);
create index audit_entry_at on audit_entry (at, id);
create index audit_entry_component on audit_entry (component, at, id);
create index audit_entry_action on audit_entry (action, at, id);
create index audit_entry_subject on audit_entry (subject, at, id);
create trigger audit_entry_append_only before update or delete or truncate on audit_entry
  for each statement execute function ledger_append_only();

insert into audit_entry (id, component, action, subject, actor, detail, correlation_id, at)
select id, 'settings', action, subject, actor, detail, 'before-audit', at from administration_log;
drop table administration_log;
