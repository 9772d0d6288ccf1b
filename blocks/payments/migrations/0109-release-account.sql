-- A release belongs to the account it was booked from, also when its programme is paid from another one later.
alter table budget_release add column account_id uuid;
update budget_release r
set account_id = t.debit_account
from ledger_transfer t
where t.cause = 'budget-release' and t.cause_id = concat_ws('/', r.source_id, r.programme_id, r.reference);
alter table budget_release
  alter column account_id set not null,
  add constraint budget_release_account_fkey foreign key (account_id, currency) references ledger_account (id, currency);
drop index budget_release_not_seen;
create index budget_release_not_seen on budget_release (account_id) where line_id is null;
