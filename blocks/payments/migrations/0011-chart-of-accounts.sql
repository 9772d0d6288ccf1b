-- Accounts and causes of vouchers, fees and reconciliation.
alter table ledger_account drop constraint ledger_account_kind_check;
alter table ledger_account add constraint ledger_account_kind_check check (kind in (
  'funding', 'available', 'reserved', 'clearing', 'paid', 'suspense', 'voucher', 'fees'
));
alter table ledger_transfer drop constraint ledger_transfer_cause_check;
alter table ledger_transfer add constraint ledger_transfer_cause_check check (
  cause in (
    'budget-release', 'run-approved', 'payout', 'payout-cleared', 'run-closed', 'return', 'correction',
    'voucher-issued', 'voucher-released', 'voucher-redeemed', 'voucher-cleared',
    'fee', 'fee-settled', 'statement', 'return-released'
  )
  and cause_id <> ''
);
