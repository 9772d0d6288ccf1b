-- Requests-to-pay: somebody is asked, through their institution, to pay a bill.

create sequence request_to_pay_number start 1;

create table request_to_pay (
  id uuid not null,
  biller_id text not null,
  -- A biller's own, or a person's who starts the payment of a bill in a portal.
  origin text not null,
  rtp_id text not null,
  request_id text not null,
  request_hash text not null,
  txn_id text not null default 'T' || lpad(nextval('bill_request_number')::text, 11, '0'),
  bill_id text not null,
  inquiry_id uuid,
  payer_id text not null,
  address_cipher bytea,
  amount bigint not null,
  currency text not null,
  state text not null default 'PND',
  reason text,
  accepted_at timestamptz,
  payment_reference text,
  expires_at timestamptz not null,
  person_id text,
  -- What the person has read and approved, and when.
  approval jsonb,
  callback_target jsonb,
  tenant_id text,
  correlation_id text not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint request_to_pay_pkey primary key (id),
  constraint request_to_pay_client_key unique (biller_id, origin, rtp_id),
  constraint request_to_pay_txn_key unique (txn_id),
  constraint request_to_pay_biller_fkey foreign key (biller_id) references biller (id),
  constraint request_to_pay_payer_fkey foreign key (payer_id) references payer_institution (id),
  constraint request_to_pay_inquiry_fkey foreign key (inquiry_id) references bill_inquiry (id),
  constraint request_to_pay_origin_check check (origin in ('biller', 'person')),
  constraint request_to_pay_person_check
    check ((origin = 'person') = (person_id is not null and approval is not null)),
  constraint request_to_pay_amount_check check (amount > 0),
  constraint request_to_pay_state_check check (state in ('PND', 'COM', 'RJC', 'EXP', 'CAN')),
  -- That a payer said yes is not a payment: a payment has a reference.
  constraint request_to_pay_completed_check check ((state = 'COM') = (payment_reference is not null))
);
create unique index request_to_pay_open on request_to_pay (bill_id, payer_id) where state = 'PND';
create index request_to_pay_expiry on request_to_pay (expires_at) where state = 'PND';
create index request_to_pay_bill on request_to_pay (bill_id) where state = 'PND';
create index request_to_pay_person on request_to_pay (person_id, id desc) where person_id is not null;
create index request_to_pay_period on request_to_pay (created_at);

alter table bill_payment add constraint bill_payment_request_to_pay_fkey
  foreign key (request_to_pay_id) references request_to_pay (id);

create table request_to_pay_move (
  from_state text not null,
  to_state text not null,
  constraint request_to_pay_move_pkey primary key (from_state, to_state)
);
insert into request_to_pay_move (from_state, to_state) values
  ('PND', 'COM'),
  ('PND', 'RJC'),
  ('PND', 'EXP'),
  ('PND', 'CAN');

create table request_to_pay_event (
  id bigint not null generated always as identity,
  request_to_pay_id uuid not null,
  from_state text,
  to_state text not null,
  reason text,
  at timestamptz not null default now(),
  constraint request_to_pay_event_pkey primary key (id)
);
create index request_to_pay_event_request on request_to_pay_event (request_to_pay_id, id);
create trigger request_to_pay_event_append_only before update or delete or truncate on request_to_pay_event
  for each statement execute function ledger_append_only();

create function request_to_pay_moved() returns trigger language plpgsql as $$
begin
  if tg_op = 'UPDATE' then
    if (new.biller_id, new.origin, new.rtp_id, new.request_hash, new.txn_id, new.bill_id, new.payer_id, new.amount,
        new.currency, new.person_id, new.approval)
      is distinct from
       (old.biller_id, old.origin, old.rtp_id, old.request_hash, old.txn_id, old.bill_id, old.payer_id, old.amount,
        old.currency, old.person_id, old.approval) then
      raise exception 'the content of a request-to-pay never changes' using errcode = 'restrict_violation';
    end if;
    if new.state = old.state then
      return new;
    end if;
    if not exists (
      select from request_to_pay_move m where m.from_state = old.state and m.to_state = new.state
    ) then
      raise exception 'a request-to-pay cannot go from % to %', old.state, new.state
        using errcode = 'restrict_violation';
    end if;
    if new.state = 'CAN' and old.accepted_at is not null then
      raise exception 'an accepted request-to-pay is not cancelled' using errcode = 'restrict_violation';
    end if;
  end if;
  insert into request_to_pay_event (request_to_pay_id, from_state, to_state, reason)
  values (new.id, case tg_op when 'UPDATE' then old.state end, new.state, new.reason);
  return new;
end $$;
create trigger request_to_pay_moved after insert or update on request_to_pay
  for each row execute function request_to_pay_moved();
create trigger request_to_pay_not_removed before delete or truncate on request_to_pay
  for each statement execute function ledger_append_only();
