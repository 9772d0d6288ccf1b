-- A voucher's payment that comes back, as any payment may: its money waits in suspense for a decision. The voucher stays
-- redeemed.
alter table voucher_redemption
  drop constraint voucher_redemption_state_check,
  add constraint voucher_redemption_state_check
    check (state in ('sent', 'unknown', 'succeeded', 'failed', 'returned'));
insert into voucher_redemption_move (from_state, to_state) values ('succeeded', 'returned');

alter table suspense_entry
  add column redemption_id uuid,
  add constraint suspense_entry_redemption_key unique (redemption_id, kind),
  add constraint suspense_entry_redemption_fkey foreign key (redemption_id) references voucher_redemption (id),
  add constraint suspense_entry_payment_check check (instruction_id is null or redemption_id is null);

create or replace function suspense_entry_guard() returns trigger language plpgsql as $$
begin
  if (new.id, new.kind, new.account_id, new.amount, new.currency, new.instruction_id, new.redemption_id, new.batch_id,
      new.line_id, new.since)
    is distinct from
     (old.id, old.kind, old.account_id, old.amount, old.currency, old.instruction_id, old.redemption_id, old.batch_id,
      old.line_id, old.since)
    or old.state = 'released' then
    raise exception 'money in suspense keeps its origin, and is released once' using errcode = 'restrict_violation';
  end if;
  return new;
end $$;
