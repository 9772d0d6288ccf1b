-- Double-entry ledger: one debit and one credit per transfer, integer minor units, one currency per account for ever.
-- Transfers are never changed or removed; balances change only through ledger_apply.

create table ledger_account (
  id uuid not null,
  kind text not null,
  owner text not null,
  currency text not null,
  normal_side text not null,
  restricted boolean not null default true,
  debits_posted bigint not null default 0,
  credits_posted bigint not null default 0,
  debits_pending bigint not null default 0,
  credits_pending bigint not null default 0,
  created_at timestamptz not null default now(),
  closed_at timestamptz,
  constraint ledger_account_pkey primary key (id),
  constraint ledger_account_owner_key unique (kind, owner, currency),
  constraint ledger_account_currency_key unique (id, currency),
  constraint ledger_account_kind_check
    check (kind in ('funding', 'available', 'reserved', 'clearing', 'paid', 'suspense')),
  constraint ledger_account_side_check check (normal_side in ('debit', 'credit')),
  constraint ledger_account_currency_check check (currency ~ '^[A-Z]{3}$'),
  constraint ledger_account_positive_check
    check (debits_posted >= 0 and credits_posted >= 0 and debits_pending >= 0 and credits_pending >= 0),
  -- Invariant I3: money that is not there cannot be promised or paid, whatever the application thinks.
  constraint ledger_account_funds_check check (
    not restricted
    or (normal_side = 'credit' and credits_posted - debits_posted - debits_pending >= 0)
    or (normal_side = 'debit' and debits_posted - credits_posted - credits_pending >= 0)
  )
);

create table ledger_transfer (
  id uuid not null,
  sequence bigint not null generated always as identity,
  type text not null,
  debit_account uuid not null,
  credit_account uuid not null,
  currency text not null,
  amount bigint not null,
  pending_id uuid,
  cause text not null,
  cause_id text not null,
  batch_id uuid,
  instruction_id uuid,
  created_at timestamptz not null default now(),
  transaction_id xid8 not null default pg_current_xact_id(),
  constraint ledger_transfer_pkey primary key (id),
  constraint ledger_transfer_type_check check (type in ('post', 'pending', 'post-pending', 'void-pending')),
  constraint ledger_transfer_amount_check check (amount > 0),
  constraint ledger_transfer_sides_check check (debit_account <> credit_account),
  constraint ledger_transfer_pending_check
    check ((type in ('post-pending', 'void-pending')) = (pending_id is not null)),
  -- Invariant I9: every transfer has a traceable cause.
  constraint ledger_transfer_cause_check check (
    cause in ('budget-release', 'run-approved', 'payout', 'payout-cleared', 'run-closed', 'return', 'correction')
    and cause_id <> ''
  ),
  -- Invariant I10: both sides have the transfer's currency.
  constraint ledger_transfer_debit_fkey
    foreign key (debit_account, currency) references ledger_account (id, currency),
  constraint ledger_transfer_credit_fkey
    foreign key (credit_account, currency) references ledger_account (id, currency),
  constraint ledger_transfer_pending_fkey foreign key (pending_id) references ledger_transfer (id)
);
-- Invariant I5: a reservation is resolved once.
create unique index ledger_transfer_resolved_once on ledger_transfer (pending_id)
  where pending_id is not null;
-- Invariant I4: an instruction is paid out once.
create unique index ledger_transfer_paid_once on ledger_transfer (instruction_id)
  where type = 'post-pending';
create index ledger_transfer_debit on ledger_transfer (debit_account, sequence);
create index ledger_transfer_credit on ledger_transfer (credit_account, sequence);
create index ledger_transfer_batch on ledger_transfer (batch_id) where batch_id is not null;

-- Tamper evidence: closed ranges of the transfer stream, each sealed with the hash of the one before.
create table ledger_seal (
  number bigint not null,
  from_transaction xid8 not null,
  to_transaction xid8 not null,
  transfers bigint not null,
  previous_hash text not null,
  hash text not null,
  sealed_at timestamptz not null default now(),
  constraint ledger_seal_pkey primary key (number)
);

create function ledger_append_only() returns trigger language plpgsql as $$
begin
  raise exception '% is append-only', tg_table_name using errcode = 'restrict_violation';
end $$;

create trigger ledger_transfer_append_only before update or delete or truncate on ledger_transfer
  for each statement execute function ledger_append_only();
create trigger ledger_seal_append_only before update or delete or truncate on ledger_seal
  for each statement execute function ledger_append_only();
create trigger ledger_account_not_removed before delete or truncate on ledger_account
  for each statement execute function ledger_append_only();

create function ledger_account_guard() returns trigger language plpgsql as $$
begin
  if (new.id, new.kind, new.owner, new.currency, new.normal_side, new.restricted)
    is distinct from (old.id, old.kind, old.owner, old.currency, old.normal_side, old.restricted) then
    raise exception 'a ledger account keeps its kind, owner, currency and side'
      using errcode = 'restrict_violation';
  end if;
  if (new.debits_posted, new.credits_posted, new.debits_pending, new.credits_pending)
    is distinct from (old.debits_posted, old.credits_posted, old.debits_pending, old.credits_pending) then
    if coalesce(current_setting('ledger.posting', true), '') <> 'on' then
      raise exception 'balances change only by transfers' using errcode = 'restrict_violation';
    end if;
    if old.closed_at is not null then
      raise exception 'the account is closed' using errcode = 'restrict_violation';
    end if;
  end if;
  return new;
end $$;

create trigger ledger_account_guard before update on ledger_account
  for each row execute function ledger_account_guard();

-- Books any number of transfers in one statement: all or none. The caller makes the ids, so a repeat is recognised:
-- outcome 'created', 'exists', or 'exists-with-different-fields' (then nothing of that transfer is booked).
-- 'post-pending' and 'void-pending' take accounts and amount from the transfer they resolve.
create function ledger_apply(
  ids uuid[],
  types text[],
  debits uuid[],
  credits uuid[],
  amounts bigint[],
  pendings uuid[],
  causes text[],
  cause_ids text[],
  batches uuid[],
  instructions uuid[]
) returns table (transfer_id uuid, outcome text)
language plpgsql as $$
#variable_conflict use_column
begin
  -- Accounts are locked in id order before anything is read: no deadlocks between postings, no stale look-ups.
  perform 1
  from ledger_account a
  where a.id in (
    select unnest(debits)
    union select unnest(credits)
    union select p.debit_account from ledger_transfer p where p.id = any (pendings)
    union select p.credit_account from ledger_transfer p where p.id = any (pendings)
  )
  order by a.id
  for no key update;

  perform set_config('ledger.posting', 'on', true);

  return query
  with wanted as (
    select
      w.id,
      w.type,
      coalesce(w.debit, p.debit_account) as debit_account,
      coalesce(w.credit, p.credit_account) as credit_account,
      coalesce(w.amount, p.amount) as amount,
      w.pending_id,
      w.cause,
      w.cause_id,
      w.batch_id,
      w.instruction_id
    from unnest(ids, types, debits, credits, amounts, pendings, causes, cause_ids, batches, instructions)
      as w (id, type, debit, credit, amount, pending_id, cause, cause_id, batch_id, instruction_id)
    left join ledger_transfer p on p.id = w.pending_id and p.type = 'pending'
  ),
  known as (
    select
      w.id,
      (t.type, t.debit_account, t.credit_account, t.amount, t.cause, t.cause_id)
        is not distinct from (w.type, w.debit_account, w.credit_account, w.amount, w.cause, w.cause_id)
        and t.pending_id is not distinct from w.pending_id
        and t.batch_id is not distinct from w.batch_id
        and t.instruction_id is not distinct from w.instruction_id as same
    from wanted w
    join ledger_transfer t on t.id = w.id
  ),
  fresh as (
    insert into ledger_transfer
      (id, type, debit_account, credit_account, currency, amount, pending_id, cause, cause_id, batch_id,
       instruction_id)
    select
      w.id, w.type, w.debit_account, w.credit_account, a.currency, w.amount, w.pending_id, w.cause, w.cause_id,
      w.batch_id, w.instruction_id
    from wanted w
    left join ledger_account a on a.id = w.debit_account
    where not exists (select from known k where k.id = w.id)
    returning id, type, debit_account, credit_account, amount
  ),
  moved as (
    select
      side.account,
      sum(side.posted) filter (where side.is_debit) as debits_posted,
      sum(side.pending) filter (where side.is_debit) as debits_pending,
      sum(side.posted) filter (where not side.is_debit) as credits_posted,
      sum(side.pending) filter (where not side.is_debit) as credits_pending
    from fresh f
    cross join lateral (
      select
        case when f.type in ('post', 'post-pending') then f.amount else 0 end as posted,
        case f.type when 'pending' then f.amount when 'post' then 0 else -f.amount end as pending
    ) change
    cross join lateral (
      values (f.debit_account, true, change.posted, change.pending),
             (f.credit_account, false, change.posted, change.pending)
    ) as side (account, is_debit, posted, pending)
    group by side.account
  ),
  balanced as (
    update ledger_account a
    set debits_posted = a.debits_posted + coalesce(m.debits_posted, 0)::bigint,
        debits_pending = a.debits_pending + coalesce(m.debits_pending, 0)::bigint,
        credits_posted = a.credits_posted + coalesce(m.credits_posted, 0)::bigint,
        credits_pending = a.credits_pending + coalesce(m.credits_pending, 0)::bigint
    from moved m
    where a.id = m.account
  )
  select
    w.id,
    case when k.id is null then 'created' when k.same then 'exists' else 'exists-with-different-fields' end
  from wanted w
  left join known k on k.id = w.id;

  perform set_config('ledger.posting', '', true);
end $$;
