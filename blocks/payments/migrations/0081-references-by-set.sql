-- Rows that are never removed are referred to without locking each: every statement checks all it brings at once.
-- Arguments: column, table referred to by its id.
create function refers_to_kept_row() returns trigger language plpgsql as $$
declare
  missing uuid;
begin
  -- Planned each time: one row and a hundred thousand want different plans.
  execute format(
    'select n.%1$I from new_rows n left join %2$I k on k.id = n.%1$I where n.%1$I is not null and k.id is null limit 1',
    tg_argv[0], tg_argv[1]) into missing;
  if missing is not null then
    raise exception '% %: no % %', tg_table_name, tg_argv[0], tg_argv[1], missing using errcode = 'foreign_key_violation';
  end if;
  return null;
end $$;

-- What is referred to this way stays, and stays under its id.
create trigger batch_not_removed before delete or truncate on batch
  for each statement execute function ledger_append_only();
create trigger batch_keeps_id before update of id on batch
  for each statement execute function ledger_append_only();

alter table ledger_transfer drop constraint ledger_transfer_pending_fkey;
create trigger ledger_transfer_pending after insert on ledger_transfer
  referencing new table as new_rows
  for each statement execute function refers_to_kept_row('pending_id', 'ledger_transfer');

-- Both sides exist, in the transfer's currency (I10). Accounts keep their currency and are never removed.
create function ledger_transfer_sides() returns trigger language plpgsql as $$
declare
  wrong uuid;
begin
  execute '
    with sides as (
      select debit_account as account, currency from new_rows
      union
      select credit_account, currency from new_rows
    )
    select s.account
    from sides s
    left join ledger_account a on a.id = s.account and a.currency = s.currency
    where a.id is null
    limit 1' into wrong;
  if wrong is not null then
    raise exception 'no account % in the currency of the transfer', wrong using errcode = 'foreign_key_violation';
  end if;
  return null;
end $$;
alter table ledger_transfer
  drop constraint ledger_transfer_debit_fkey,
  drop constraint ledger_transfer_credit_fkey;
create trigger ledger_transfer_sides after insert on ledger_transfer
  referencing new table as new_rows
  for each statement execute function ledger_transfer_sides();

alter table instruction drop constraint instruction_batch_fkey;
create trigger instruction_batch after insert on instruction
  referencing new table as new_rows
  for each statement execute function refers_to_kept_row('batch_id', 'batch');

alter table attempt drop constraint attempt_instruction_fkey;
create trigger attempt_instruction after insert on attempt
  referencing new table as new_rows
  for each statement execute function refers_to_kept_row('instruction_id', 'instruction');

alter table account_check drop constraint account_check_version_fkey;
create trigger account_check_version after insert on account_check
  referencing new table as new_rows
  for each statement execute function refers_to_kept_row('version_id', 'mapper_version');
