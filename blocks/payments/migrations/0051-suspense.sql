-- Money that came back or that nobody could attribute, until a person has decided where it goes.

create table suspense_entry (
  id uuid not null,
  -- `return`: a paid amount came back. `deposit`: came in at the bank and belongs to nobody known. `difference`: the bank
  -- took less than was paid out here.
  kind text not null,
  account_id uuid not null,
  amount bigint not null,
  currency text not null,
  instruction_id uuid,
  batch_id uuid,
  line_id uuid,
  reason_code text,
  -- Programme whose money it is, or to which it is proposed to go.
  source_id text,
  programme_id text,
  state text not null default 'held',
  since timestamptz not null default now(),
  proposed_by text,
  proposed_at timestamptz,
  released_by text,
  released_at timestamptz,
  note text,
  constraint suspense_entry_pkey primary key (id),
  -- A payment comes back once.
  constraint suspense_entry_instruction_key unique (instruction_id, kind),
  constraint suspense_entry_account_fkey foreign key (account_id) references ledger_account (id),
  constraint suspense_entry_instruction_fkey foreign key (instruction_id) references instruction (id),
  constraint suspense_entry_programme_fkey
    foreign key (source_id, programme_id) references programme (source_id, id),
  constraint suspense_entry_kind_check check (kind in ('return', 'deposit', 'difference')),
  constraint suspense_entry_state_check check (state in ('held', 'proposed', 'released')),
  constraint suspense_entry_amount_check check (amount > 0)
);
create index suspense_entry_held on suspense_entry (id) where state <> 'released';
create index suspense_entry_batch on suspense_entry (batch_id);

create function suspense_entry_guard() returns trigger language plpgsql as $$
begin
  if (new.id, new.kind, new.account_id, new.amount, new.currency, new.instruction_id, new.batch_id, new.line_id, new.since)
    is distinct from
     (old.id, old.kind, old.account_id, old.amount, old.currency, old.instruction_id, old.batch_id, old.line_id, old.since)
    or old.state = 'released' then
    raise exception 'money in suspense keeps its origin, and is released once' using errcode = 'restrict_violation';
  end if;
  return new;
end $$;
create trigger suspense_entry_guard before update on suspense_entry
  for each row execute function suspense_entry_guard();
create trigger suspense_entry_not_removed before delete or truncate on suspense_entry
  for each statement execute function ledger_append_only();

insert into suspense_entry
  (id, kind, account_id, amount, currency, instruction_id, batch_id, reason_code, source_id, programme_id, since)
select
  t.id, 'return', t.credit_account, t.amount, t.currency, i.id, b.id, i.reason_code, b.source_id, b.programme_id,
  t.created_at
from ledger_transfer t
join instruction i on i.id = t.instruction_id
join batch b on b.id = i.batch_id
where t.cause = 'return';

-- Up to this amount one person alone may decide where money goes; without a row every decision needs two.
create table single_decision_limit (
  currency text not null,
  amount bigint not null,
  set_by text not null,
  updated_at timestamptz not null default now(),
  constraint single_decision_limit_pkey primary key (currency),
  constraint single_decision_limit_amount_check check (amount > 0)
);
