-- Disputes and complaints about payments, by partners and payees, from opening to outcome (PAY-5.3.3-c, PAY-6.1-n).

create table dispute (
  id uuid not null,
  instruction_id uuid not null,
  source_id text not null,
  batch_id uuid not null,
  opened_by_party text not null,
  opened_by text not null,
  opened_by_application text not null,
  -- The opener's own id of it: the same again is the same dispute.
  client_id text not null,
  content_hash text not null,
  reason text not null,
  state text not null default 'open',
  outcome text,
  assigned_to text,
  case_id uuid,
  deadline timestamptz not null,
  opened_at timestamptz not null default now(),
  closed_at timestamptz,
  constraint dispute_pkey primary key (id),
  constraint dispute_client_key unique (opened_by, client_id),
  constraint dispute_instruction_fkey foreign key (instruction_id) references instruction (id),
  constraint dispute_case_fkey foreign key (case_id) references payment_case (id),
  constraint dispute_party_check check (opened_by_party in ('source', 'rail', 'institution', 'payee', 'officer')),
  constraint dispute_reason_check check (reason in (
    'not-received', 'wrong-amount', 'wrong-account', 'paid-twice', 'not-entitled', 'late', 'other'
  )),
  constraint dispute_outcome_check check (outcome in ('upheld', 'rejected')),
  constraint dispute_closed_check
    check ((closed_at is not null) = (state in ('resolved', 'withdrawn')) and (outcome is not null) = (state = 'resolved'))
);
create index dispute_open on dispute (deadline) where closed_at is null;
create index dispute_instruction on dispute (instruction_id);
create index dispute_source on dispute (source_id, id desc);

create table dispute_move (
  from_state text not null,
  to_state text not null,
  constraint dispute_move_pkey primary key (from_state, to_state)
);
insert into dispute_move (from_state, to_state) values
  ('open', 'in-review'),
  ('open', 'withdrawn'),
  ('in-review', 'waiting'),
  ('in-review', 'resolved'),
  ('in-review', 'withdrawn'),
  ('waiting', 'in-review'),
  ('waiting', 'resolved'),
  ('waiting', 'withdrawn');

create function dispute_guard() returns trigger language plpgsql as $$
begin
  if (new.id, new.instruction_id, new.opened_by_party, new.opened_by, new.opened_by_application, new.client_id,
      new.content_hash, new.reason, new.opened_at)
    is distinct from
     (old.id, old.instruction_id, old.opened_by_party, old.opened_by, old.opened_by_application, old.client_id,
      old.content_hash, old.reason, old.opened_at) then
    raise exception 'what was disputed never changes' using errcode = 'restrict_violation';
  end if;
  if new.state <> old.state and not exists (
    select from dispute_move m where m.from_state = old.state and m.to_state = new.state
  ) then
    raise exception 'a dispute cannot go from % to %', old.state, new.state using errcode = 'restrict_violation';
  end if;
  return new;
end $$;
create trigger dispute_guard before update on dispute for each row execute function dispute_guard();
create trigger dispute_not_removed before delete or truncate on dispute
  for each statement execute function ledger_append_only();

-- Everything that was said and done about a dispute; texts are encrypted, they may name people.
create table dispute_entry (
  id uuid not null,
  dispute_id uuid not null,
  kind text not null,
  from_state text,
  to_state text,
  actor text not null,
  text_cipher bytea,
  refs text[] not null default '{}',
  at timestamptz not null default now(),
  constraint dispute_entry_pkey primary key (id),
  constraint dispute_entry_dispute_fkey foreign key (dispute_id) references dispute (id),
  constraint dispute_entry_kind_check check (kind in ('opened', 'comment', 'assigned', 'moved'))
);
create index dispute_entry_dispute on dispute_entry (dispute_id, id);
create trigger dispute_entry_append_only before update or delete or truncate on dispute_entry
  for each statement execute function ledger_append_only();
