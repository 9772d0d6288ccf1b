-- Questions about bills with their answers, and payments of bills.

-- Short ids under which billers and payer institutions are asked (the published files allow twelve characters).
create sequence bill_request_number start 1;

create table bill_inquiry (
  id uuid not null,
  -- A payer institution, or a portal for a person.
  payer_id text,
  person_id text,
  application text not null,
  request_id text not null,
  biller_request_id text not null default 'Q' || lpad(nextval('bill_request_number')::text, 11, '0'),
  bill_id text not null,
  biller_id text not null,
  state text not null default 'asking',
  outcome text,
  attempts integer not null default 0,
  next_at timestamptz not null default now(),
  currency text not null,
  due_at timestamptz,
  amount_on_due bigint,
  amount_after_due bigint,
  tenant_id text,
  correlation_id text not null,
  created_at timestamptz not null default now(),
  answered_at timestamptz,
  valid_until timestamptz,
  constraint bill_inquiry_pkey primary key (id),
  constraint bill_inquiry_payer_fkey foreign key (payer_id) references payer_institution (id),
  constraint bill_inquiry_biller_fkey foreign key (biller_id) references biller (id),
  constraint bill_inquiry_asker_check check ((payer_id is null) <> (person_id is null)),
  constraint bill_inquiry_biller_request_key unique (biller_request_id),
  constraint bill_inquiry_state_check check (state in ('asking', 'answered')),
  constraint bill_inquiry_answer_check check ((state = 'answered') = (outcome is not null)),
  constraint bill_inquiry_outcome_check
    check (outcome in ('unpaid', 'paid', 'expired', 'unknown', 'biller-down')),
  constraint bill_inquiry_unpaid_check check (outcome <> 'unpaid' or amount_on_due is not null),
  constraint bill_inquiry_amount_check check (amount_on_due > 0 and amount_after_due > 0)
);
create unique index bill_inquiry_payer_request on bill_inquiry (payer_id, request_id) where payer_id is not null;
create index bill_inquiry_work on bill_inquiry (next_at) where state = 'asking';
create index bill_inquiry_period on bill_inquiry (created_at);
create index bill_inquiry_person on bill_inquiry (person_id, id desc) where person_id is not null;

create table bill_payment (
  id uuid not null,
  payer_id text not null,
  request_id text not null,
  inquiry_id uuid,
  request_to_pay_id uuid,
  biller_request_id text not null default 'P' || lpad(nextval('bill_request_number')::text, 11, '0'),
  bill_id text not null,
  biller_id text not null,
  payment_reference text not null,
  method text not null,
  amount bigint not null,
  currency text not null,
  part boolean not null,
  state text not null,
  reject_reason text,
  attempts integer not null default 0,
  next_at timestamptz not null default now(),
  last_sent_at timestamptz,
  tenant_id text,
  correlation_id text not null,
  created_at timestamptz not null default now(),
  answered_at timestamptz,
  constraint bill_payment_pkey primary key (id),
  constraint bill_payment_reference_key unique (payer_id, payment_reference),
  constraint bill_payment_request_key unique (payer_id, request_id),
  constraint bill_payment_biller_request_key unique (biller_request_id),
  constraint bill_payment_payer_fkey foreign key (payer_id) references payer_institution (id),
  constraint bill_payment_biller_fkey foreign key (biller_id) references biller (id),
  constraint bill_payment_inquiry_fkey foreign key (inquiry_id) references bill_inquiry (id),
  constraint bill_payment_method_check check (method in ('account', 'voucher')),
  constraint bill_payment_amount_check check (amount > 0),
  constraint bill_payment_state_check check (state in ('pending', 'acknowledged', 'rejected')),
  constraint bill_payment_reason_check check ((state = 'rejected') = (reject_reason is not null)),
  constraint bill_payment_reject_check check (reject_reason in ('Def', 'Dup', 'Und'))
);
-- A bill that is not paid in parts has one payment that counts, whoever sends it.
create unique index bill_payment_effective on bill_payment (bill_id)
  where not part and state in ('pending', 'acknowledged');
create index bill_payment_bill on bill_payment (bill_id);
create index bill_payment_work on bill_payment (next_at) where state = 'pending';
create index bill_payment_biller on bill_payment (biller_id, id desc);
create index bill_payment_payer on bill_payment (payer_id, id desc);
create index bill_payment_period on bill_payment (created_at);

create table bill_payment_move (
  from_state text not null,
  to_state text not null,
  constraint bill_payment_move_pkey primary key (from_state, to_state)
);
insert into bill_payment_move (from_state, to_state) values
  ('pending', 'acknowledged'),
  ('pending', 'rejected');

create table bill_payment_event (
  id bigint not null generated always as identity,
  bill_payment_id uuid not null,
  from_state text,
  to_state text not null,
  reason text,
  at timestamptz not null default now(),
  constraint bill_payment_event_pkey primary key (id)
);
create index bill_payment_event_payment on bill_payment_event (bill_payment_id, id);
create trigger bill_payment_event_append_only before update or delete or truncate on bill_payment_event
  for each statement execute function ledger_append_only();

create function bill_payment_moved() returns trigger language plpgsql as $$
begin
  if tg_op = 'UPDATE' then
    if (new.payer_id, new.request_id, new.bill_id, new.biller_id, new.payment_reference, new.method, new.amount,
        new.currency, new.part)
      is distinct from
       (old.payer_id, old.request_id, old.bill_id, old.biller_id, old.payment_reference, old.method, old.amount,
        old.currency, old.part) then
      raise exception 'the content of a bill payment never changes' using errcode = 'restrict_violation';
    end if;
    if new.state = old.state then
      return new;
    end if;
    if not exists (
      select from bill_payment_move m where m.from_state = old.state and m.to_state = new.state
    ) then
      raise exception 'a bill payment cannot go from % to %', old.state, new.state
        using errcode = 'restrict_violation';
    end if;
  end if;
  insert into bill_payment_event (bill_payment_id, from_state, to_state, reason)
  values (new.id, case tg_op when 'UPDATE' then old.state end, new.state, new.reject_reason);
  return new;
end $$;
create trigger bill_payment_moved after insert or update on bill_payment
  for each row execute function bill_payment_moved();
create trigger bill_payment_not_removed before delete or truncate on bill_payment
  for each statement execute function ledger_append_only();
