-- The audit log in its order, sealed stretch by stretch, and who was shown what it keeps encrypted.

alter table audit_entry
  add column sequence bigint not null generated always as identity,
  add column transaction_id xid8 not null default pg_current_xact_id(),
  add constraint audit_entry_sequence_key unique (sequence);
create index audit_entry_transaction on audit_entry (transaction_id);
create index audit_entry_actor on audit_entry (actor, sequence);
create index audit_entry_correlation on audit_entry (correlation_id);

create table audit_seal (
  number bigint not null,
  from_transaction xid8 not null,
  to_transaction xid8 not null,
  entries bigint not null,
  previous_hash text not null,
  hash text not null,
  sealed_at timestamptz not null default now(),
  constraint audit_seal_pkey primary key (number)
);
create trigger audit_seal_append_only before update or delete or truncate on audit_seal
  for each statement execute function ledger_append_only();

-- Every move of a run is on record, whatever code moves it (PAY-6.12-a).
create function batch_event_audited() returns trigger language plpgsql as $$
begin
  insert into audit_entry (id, component, action, subject, actor, terminal, detail, correlation_id)
  select
    gen_random_uuid(), 'runs', e.to_state, 'batch/' || e.batch_id, e.actor,
    case when strpos(e.actor, '/') > 0 then split_part(e.actor, ' for ', 1) end,
    jsonb_strip_nulls(jsonb_build_object('from', e.from_state, 'to', e.to_state, 'reason', e.reason)),
    b.correlation_id
  from new_events e
  join batch b on b.id = e.batch_id
  order by e.id;
  return null;
end $$;
create trigger batch_event_audited after insert on batch_event
  referencing new table as new_events
  for each statement execute function batch_event_audited();

-- An auditor asks to be shown what an entry keeps encrypted; another person decides.
create table audit_disclosure (
  id uuid not null,
  entry_id uuid not null,
  reason text not null,
  requested_by text not null,
  requested_at timestamptz not null default now(),
  decision text,
  decided_by text,
  decided_at timestamptz,
  constraint audit_disclosure_pkey primary key (id),
  constraint audit_disclosure_entry_fkey foreign key (entry_id) references audit_entry (id),
  constraint audit_disclosure_decision_check check (decision in ('granted', 'refused')),
  constraint audit_disclosure_decided_check
    check ((decision is null) = (decided_by is null) and (decision is null) = (decided_at is null)),
  constraint audit_disclosure_persons_check check (decided_by <> requested_by)
);
create index audit_disclosure_open on audit_disclosure (id) where decision is null;
create function audit_disclosure_guard() returns trigger language plpgsql as $$
begin
  if old.decision is not null
    or (new.id, new.entry_id, new.reason, new.requested_by, new.requested_at)
      is distinct from (old.id, old.entry_id, old.reason, old.requested_by, old.requested_at) then
    raise exception 'a disclosure is decided once' using errcode = 'restrict_violation';
  end if;
  return new;
end $$;
create trigger audit_disclosure_guard before update on audit_disclosure
  for each row execute function audit_disclosure_guard();
create trigger audit_disclosure_not_removed before delete or truncate on audit_disclosure
  for each statement execute function ledger_append_only();
