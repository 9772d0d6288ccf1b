-- What a rail is owed for a business day, in the currency of the payments. Settlement itself happens elsewhere.

create table settlement (
  id uuid not null,
  rail_id text not null,
  currency text not null,
  business_day date not null,
  paid_count integer not null,
  paid_amount bigint not null,
  returned_count integer not null,
  returned_amount bigint not null,
  fee_amount bigint not null,
  closed_by text not null,
  closed_at timestamptz not null default now(),
  settled_at timestamptz,
  constraint settlement_pkey primary key (id),
  constraint settlement_day_key unique (rail_id, currency, business_day),
  constraint settlement_rail_fkey foreign key (rail_id) references rail (id)
);
create function settlement_guard() returns trigger language plpgsql as $$
begin
  if (new.id, new.rail_id, new.currency, new.business_day, new.paid_count, new.paid_amount, new.returned_count,
      new.returned_amount, new.fee_amount, new.closed_by, new.closed_at)
    is distinct from
     (old.id, old.rail_id, old.currency, old.business_day, old.paid_count, old.paid_amount, old.returned_count,
      old.returned_amount, old.fee_amount, old.closed_by, old.closed_at) or old.settled_at is not null then
    raise exception 'the figures of a closed day never change' using errcode = 'restrict_violation';
  end if;
  return new;
end $$;
create trigger settlement_guard before update on settlement for each row execute function settlement_guard();
create trigger settlement_not_removed before delete or truncate on settlement
  for each statement execute function ledger_append_only();

-- Days are found in the order of answers: a small index that follows it costs payments nothing.
create index attempt_answered on attempt using brin (answered_at) with (autosummarize = on);
create index suspense_entry_since on suspense_entry (since);
