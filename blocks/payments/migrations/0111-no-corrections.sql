-- No transfer without a cause that can be found, and no account that is closed: nothing ever made either.
alter table ledger_transfer drop constraint ledger_transfer_cause_check;
alter table ledger_transfer add constraint ledger_transfer_cause_check check (
  cause in (
    'budget-release', 'run-approved', 'payout', 'payout-cleared', 'run-closed', 'return',
    'voucher-issued', 'voucher-released', 'voucher-redeemed', 'voucher-cleared',
    'fee', 'fee-settled', 'statement', 'return-released'
  )
  and cause_id <> ''
);

create or replace function ledger_account_guard() returns trigger language plpgsql as $$
begin
  if (new.id, new.kind, new.owner, new.currency, new.normal_side, new.restricted)
    is distinct from (old.id, old.kind, old.owner, old.currency, old.normal_side, old.restricted) then
    raise exception 'a ledger account keeps its kind, owner, currency and side'
      using errcode = 'restrict_violation';
  end if;
  if (new.debits_posted, new.credits_posted, new.debits_pending, new.credits_pending)
    is distinct from (old.debits_posted, old.credits_posted, old.debits_pending, old.credits_pending)
    and coalesce(current_setting('ledger.posting', true), '') <> 'on' then
    raise exception 'balances change only by transfers' using errcode = 'restrict_violation';
  end if;
  return new;
end $$;
alter table ledger_account drop column closed_at;
