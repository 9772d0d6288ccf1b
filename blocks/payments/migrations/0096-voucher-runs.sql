-- Payees of a run who want no account get a voucher of the one group of their programme that is for runs. Vouchers are
-- made when none is in stock, so that nobody of a run is left without.
alter table voucher_group
  add column for_runs boolean not null default false,
  add constraint voucher_group_runs_check check (on_demand or not for_runs);
create unique index voucher_group_runs on voucher_group (source_id, programme_id) where for_runs;
