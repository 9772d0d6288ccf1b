-- A receipt for every payment that was made, written in the transaction that completes it (PAY-5.3.1-c).

create sequence receipt_number;
create table receipt (
  instruction_id uuid not null,
  number bigint not null,
  source_id text not null,
  programme_id text not null,
  batch_id uuid not null,
  client_id text not null,
  payee_token bytea not null,
  amount bigint not null,
  currency text not null,
  narration text,
  rail_id text not null,
  rail_reference text,
  -- Programme, agency and institution that pay, as they were called then.
  payer jsonb not null,
  paid_at timestamptz not null,
  -- From the first sending to the result; none for payments made before this was measured.
  turnaround_ms bigint,
  hash text not null,
  constraint receipt_pkey primary key (instruction_id),
  constraint receipt_number_key unique (number),
  constraint receipt_instruction_fkey foreign key (instruction_id) references instruction (id)
);
create index receipt_payee on receipt (source_id, payee_token, number desc);
create trigger receipt_append_only before update or delete or truncate on receipt
  for each statement execute function ledger_append_only();

-- What a receipt says, as one hash.
create function receipt_hash(
  number bigint, instruction_id uuid, source_id text, programme_id text, batch_id uuid, client_id text, payee_token bytea,
  amount bigint, currency text, narration text, rail_id text, rail_reference text, payer jsonb, paid_at timestamptz
) returns text language sql stable as $$
  select encode(sha256(convert_to(jsonb_build_array(number, instruction_id, source_id, programme_id, batch_id, client_id,
    encode(payee_token, 'hex'), amount, currency, narration, rail_id, rail_reference, payer,
    extract(epoch from paid_at))::text, 'UTF8')), 'hex')
$$;

insert into receipt (instruction_id, number, source_id, programme_id, batch_id, client_id, payee_token, amount, currency,
  narration, rail_id, rail_reference, payer, paid_at, turnaround_ms, hash)
select p.*, null, receipt_hash(p.number, p.instruction_id, p.source_id, p.programme_id, p.batch_id, p.client_id,
  p.payee_token, p.amount, p.currency, p.narration, p.rail_id, p.rail_reference, p.payer, p.paid_at)
from (
  select i.id as instruction_id, nextval('receipt_number') as number, i.source_id, b.programme_id, i.batch_id, i.client_id,
    i.payee_token, i.amount, i.currency, i.narration, i.rail_id, i.rail_reference,
    jsonb_build_object('programme', g.name, 'agency', g.agency, 'institution', s.institution_id) as payer,
    (select max(e.at) from instruction_event e where e.instruction_id = i.id and e.to_state = 'completed') as paid_at
  from instruction i
  join batch b on b.id = i.batch_id
  join programme g on g.source_id = b.source_id and g.id = b.programme_id
  join source_system s on s.id = b.source_id
  where i.purpose = 'payment' and i.state in ('completed', 'returned')
  order by i.id
) p;

-- Who has confirmed that a receipt reached them (PAY-6.14-e).
create table receipt_acknowledgement (
  instruction_id uuid not null,
  party text not null,
  actor text not null,
  hash text not null,
  at timestamptz not null default now(),
  constraint receipt_acknowledgement_pkey primary key (instruction_id, party),
  constraint receipt_acknowledgement_receipt_fkey foreign key (instruction_id) references receipt (instruction_id),
  constraint receipt_acknowledgement_party_check check (party in ('payee', 'source', 'officer'))
);
create trigger receipt_acknowledgement_append_only before update or delete or truncate on receipt_acknowledgement
  for each statement execute function ledger_append_only();

create index callback_recent on callback (source_id, id desc);
create index batch_correlation on batch (correlation_id);
