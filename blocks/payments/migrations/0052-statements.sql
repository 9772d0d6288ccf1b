-- Statements of the bank accounts that the funding accounts mirror, line by line, and what became of each line.

-- Mirrors of what a bank does follow the bank: they record what happened and guard no money. What may be spent is guarded
-- by the accounts it is spent from.
alter table ledger_account disable trigger ledger_account_guard;
update ledger_account set restricted = false where kind in ('funding', 'paid');
alter table ledger_account enable trigger ledger_account_guard;

create table bank_file (
  id uuid not null,
  hash text not null,
  format text not null,
  size integer not null,
  loaded_by text not null,
  loaded_at timestamptz not null default now(),
  constraint bank_file_pkey primary key (id),
  constraint bank_file_hash_key unique (hash),
  constraint bank_file_format_check check (format in ('camt.053', 'camt.054', 'csv', 'mt940'))
);

create table bank_statement (
  id uuid not null,
  file_id uuid not null,
  -- The funding account whose real one it is of.
  account_id uuid not null,
  kind text not null,
  statement_id text not null,
  currency text not null,
  opening bigint not null,
  closing bigint not null,
  from_at timestamptz not null,
  to_at timestamptz not null,
  entry_count integer not null,
  -- Whether it begins with the balance with which the one before ended.
  continuous boolean not null,
  state text not null default 'loaded',
  loaded_at timestamptz not null default now(),
  matched_at timestamptz,
  constraint bank_statement_pkey primary key (id),
  constraint bank_statement_client_key unique (account_id, kind, statement_id),
  constraint bank_statement_file_fkey foreign key (file_id) references bank_file (id),
  constraint bank_statement_account_fkey foreign key (account_id, currency) references ledger_account (id, currency),
  constraint bank_statement_kind_check check (kind in ('statement', 'notification')),
  constraint bank_statement_state_check check (state in ('loaded', 'matched'))
);
create index bank_statement_work on bank_statement (id) where state = 'loaded';
create index bank_statement_latest on bank_statement (account_id, to_at desc, id desc) where kind = 'statement';

create table statement_line (
  id uuid not null,
  statement_id uuid not null,
  account_id uuid not null,
  position integer not null,
  direction text not null,
  amount bigint not null,
  currency text not null,
  booked_on date not null,
  value_on date,
  entry_reference text,
  end_to_end_id text,
  rail_reference text,
  code text,
  description_cipher bytea,
  -- What it is, once it was looked at; `opening` is the balance with which an account's first statement begins.
  class text,
  payment_kind text,
  payment_id text,
  batch_id uuid,
  rail_id text,
  -- Whether it is explained: booked, told by another record, or taken back by another line.
  settled boolean not null default false,
  transfer_id uuid,
  pair_id uuid,
  constraint statement_line_pkey primary key (id),
  constraint statement_line_position_key unique (statement_id, position),
  constraint statement_line_statement_fkey foreign key (statement_id) references bank_statement (id),
  constraint statement_line_pair_fkey foreign key (pair_id) references statement_line (id),
  constraint statement_line_direction_check check (direction in ('credit', 'debit')),
  constraint statement_line_amount_check check (amount > 0),
  constraint statement_line_class_check check (class in (
    'matched', 'missing-here', 'amount-differs', 'duplicate-at-bank', 'reversal', 'return', 'charge', 'deposit',
    'transfer', 'opening', 'told'
  ))
);
create index statement_line_work on statement_line (statement_id, position) where class is null;
create index statement_line_open on statement_line (account_id, id) where not settled;
create index statement_line_payment on statement_line (payment_id) where payment_id is not null;
create index statement_line_batch on statement_line (batch_id) where batch_id is not null;
create index statement_line_transfer on statement_line (transfer_id) where transfer_id is not null;
-- A payment leaves the bank once, and comes back once.
create unique index statement_line_matched_once on statement_line (payment_kind, payment_id) where class = 'matched';
create unique index statement_line_returned_once on statement_line (payment_kind, payment_id) where class = 'return';

create function statement_line_guard() returns trigger language plpgsql as $$
begin
  if exists (
    select
    from before_rows b
    left join after_rows a on a.id = b.id
    where (a.statement_id, a.account_id, a.position, a.direction, a.amount, a.currency, a.booked_on, a.value_on,
           a.entry_reference, a.end_to_end_id, a.rail_reference, a.code)
      is distinct from
          (b.statement_id, b.account_id, b.position, b.direction, b.amount, b.currency, b.booked_on, b.value_on,
           b.entry_reference, b.end_to_end_id, b.rail_reference, b.code)
  ) then
    raise exception 'what a bank has said never changes' using errcode = 'restrict_violation';
  end if;
  return null;
end $$;
create trigger statement_line_guard after update on statement_line
  referencing old table as before_rows new table as after_rows
  for each statement execute function statement_line_guard();
create trigger statement_line_not_removed before delete or truncate on statement_line
  for each statement execute function ledger_append_only();
create trigger bank_statement_not_removed before delete or truncate on bank_statement
  for each statement execute function ledger_append_only();

-- A budget release is the announcement of a deposit: the line that shows it at the bank.
alter table budget_release
  add column line_id uuid,
  add constraint budget_release_line_fkey foreign key (line_id) references statement_line (id);
create index budget_release_not_seen on budget_release (source_id, programme_id) where line_id is null;

-- A rail's own reference finds a payment when the bank does not tell ours.
create index instruction_rail_reference on instruction (rail_reference) where rail_reference is not null;

-- What does not explain itself waits here for a person.
create table reconciliation_item (
  id uuid not null,
  class text not null,
  account_id uuid,
  line_id uuid,
  payment_kind text,
  payment_id text,
  batch_id uuid,
  rail_id text,
  amount bigint not null,
  currency text not null,
  detail text not null,
  owner text,
  state text not null default 'open',
  opened_at timestamptz not null default now(),
  proposal jsonb,
  proposed_by text,
  proposed_at timestamptz,
  resolution text,
  resolved_by text,
  resolved_at timestamptz,
  note text,
  constraint reconciliation_item_pkey primary key (id),
  constraint reconciliation_item_line_fkey foreign key (line_id) references statement_line (id),
  constraint reconciliation_item_state_check check (state in ('open', 'proposed', 'resolved')),
  constraint reconciliation_item_class_check check (class in (
    'missing-at-bank', 'missing-here', 'amount-differs', 'duplicate-at-bank', 'charge', 'deposit'
  )),
  constraint reconciliation_item_subject_check check (line_id is not null or payment_id is not null)
);
create index reconciliation_item_open on reconciliation_item (id) where state <> 'resolved';
create index reconciliation_item_payment on reconciliation_item (payment_id) where payment_id is not null;
create unique index reconciliation_item_line_once on reconciliation_item (line_id)
  where line_id is not null and state <> 'resolved';
create unique index reconciliation_item_missing_once on reconciliation_item (payment_kind, payment_id)
  where class = 'missing-at-bank';
create trigger reconciliation_item_not_removed before delete or truncate on reconciliation_item
  for each statement execute function ledger_append_only();

-- The daily proof of a funding account against its statement.
create table reconciliation_proof (
  id uuid not null,
  account_id uuid not null,
  currency text not null,
  statement_id uuid not null,
  ledger_balance bigint not null,
  closing_balance bigint not null,
  releases_not_seen bigint not null,
  credits_open bigint not null,
  debits_open bigint not null,
  difference bigint not null,
  made_at timestamptz not null default now(),
  constraint reconciliation_proof_pkey primary key (id),
  constraint reconciliation_proof_statement_fkey foreign key (statement_id) references bank_statement (id)
);
create index reconciliation_proof_account on reconciliation_proof (account_id, id desc);
create trigger reconciliation_proof_append_only before update or delete or truncate on reconciliation_proof
  for each statement execute function ledger_append_only();

-- Runs whose payments are being found at the bank; closed when each is found or decided.
create table run_reconciliation (
  batch_id uuid not null,
  opened_at timestamptz not null default now(),
  closed_at timestamptz,
  constraint run_reconciliation_pkey primary key (batch_id),
  constraint run_reconciliation_batch_fkey foreign key (batch_id) references batch (id)
);
create index run_reconciliation_open on run_reconciliation (batch_id) where closed_at is null;
