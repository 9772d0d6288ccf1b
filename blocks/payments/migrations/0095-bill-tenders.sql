-- Bills paid with vouchers. A payment is `tendering` while its voucher is redeemed, in transactions of the redemption's
-- own; `refused`: the voucher was not, and nothing was consumed.
alter table bill_payment
  add column refusal text,
  drop constraint bill_payment_state_check,
  add constraint bill_payment_state_check
    check (state in ('tendering', 'pending', 'acknowledged', 'rejected', 'refused')),
  add constraint bill_payment_refusal_check check ((state = 'refused') = (refusal is not null)),
  add constraint bill_payment_tender_check check (method = 'voucher' or state not in ('tendering', 'refused'));
insert into bill_payment_move (from_state, to_state) values
  ('tendering', 'pending'),
  ('tendering', 'refused');
create index bill_payment_tender on bill_payment (created_at) where state = 'tendering';
drop index bill_payment_effective;
create unique index bill_payment_effective on bill_payment (bill_id)
  where not part and state in ('tendering', 'pending', 'acknowledged');

create or replace function bill_payment_moved() returns trigger language plpgsql as $$
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
  elsif (new.method = 'voucher') <> (new.state = 'tendering') then
    raise exception 'a bill payment with a voucher begins with the redemption' using errcode = 'restrict_violation';
  end if;
  insert into bill_payment_event (bill_payment_id, from_state, to_state, reason)
  values (new.id, case tg_op when 'UPDATE' then old.state end, new.state, coalesce(new.refusal, new.reject_reason));
  return new;
end $$;
