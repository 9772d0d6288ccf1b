-- Rows that are never removed are referred to without locking each. Arguments: column, table referred to by its id, and
-- again for further columns.
create or replace function refers_to_kept_row() returns trigger language plpgsql as $$
declare
  missing text;
begin
  for n in 0 .. tg_nargs / 2 - 1 loop
    -- Planned each time: one row and a hundred thousand want different plans.
    execute format(
      'select n.%1$I::text from new_rows n left join %2$I k on k.id = n.%1$I where n.%1$I is not null and k.id is null limit 1',
      tg_argv[2 * n], tg_argv[2 * n + 1]) into missing;
    if missing is not null then
      raise exception '% %: no % %', tg_table_name, tg_argv[2 * n], tg_argv[2 * n + 1], missing
        using errcode = 'foreign_key_violation';
    end if;
  end loop;
  return null;
end $$;

-- What is referred to this way stays, and stays under its id.
create trigger sub_batch_not_removed before delete or truncate on sub_batch
  for each statement execute function ledger_append_only();
create trigger sub_batch_keeps_id before update of id on sub_batch
  for each statement execute function ledger_append_only();
create trigger rail_not_removed before delete or truncate on rail
  for each statement execute function ledger_append_only();
create trigger rail_keeps_id before update of id on rail
  for each statement execute function ledger_append_only();

alter table instruction
  drop constraint instruction_version_fkey,
  drop constraint instruction_sub_batch_fkey,
  drop constraint instruction_retry_fkey;
drop trigger instruction_batch on instruction;
create trigger instruction_references after insert on instruction
  referencing new table as new_rows
  for each statement execute function refers_to_kept_row(
    'batch_id', 'batch', 'retry_of', 'instruction', 'version_id', 'mapper_version', 'sub_batch_id', 'sub_batch');

alter table account_check drop constraint account_check_rail_fkey;
drop trigger account_check_version on account_check;
create trigger account_check_references after insert on account_check
  referencing new table as new_rows
  for each statement execute function refers_to_kept_row('version_id', 'mapper_version', 'rail_id', 'rail');
create trigger account_check_keeps_key before update of version_id, rail_id on account_check
  for each statement execute function ledger_append_only();

-- Checks a move, keeps it in the history and notes the run for the reports, in one statement. The plan is kept for the
-- connection: made for one row it must also be good for a hundred thousand.
create or replace function instruction_moved() returns trigger language plpgsql
set enable_nestloop = off
as $$
declare
  refused bigint;
  missing bigint;
begin
  with changed as materialized (
    select
      a.id, a.batch_id, a.purpose, b.state as from_state, a.state as to_state, a.reason_code,
      nullif(a.version_id, b.version_id) as version_id,
      nullif(a.sub_batch_id, b.sub_batch_id) as sub_batch_id
    from before_rows b
    join after_rows a on a.id = b.id
  ),
  moved as (
    select c.*, m.from_state is null as refused
    from changed c
    left join instruction_move m on m.from_state = c.from_state and m.to_state = c.to_state
    where c.to_state <> c.from_state
  ),
  kept as (
    insert into instruction_event (instruction_id, from_state, to_state, reason_code)
    select id, from_state, to_state, reason_code from moved
  ),
  reported as (
    insert into reporting_due (batch_id)
    select distinct batch_id
    from moved
    where to_state in ('completed', 'failed', 'rejected', 'returned', 'cancelled')
      and purpose = 'payment'
  )
  select
    (select count(*) from moved m where m.refused),
    (select count(*)
      from changed c
      where c.version_id is not null
        and (select v.id from mapper_version v where v.id = c.version_id) is null)
    + (select count(*)
      from (select distinct sub_batch_id from changed where sub_batch_id is not null) c
      where (select s.id from sub_batch s where s.id = c.sub_batch_id) is null)
  into refused, missing;
  if refused > 0 then
    raise exception 'an instruction moves only forward' using errcode = 'restrict_violation';
  end if;
  if missing > 0 then
    raise exception 'an instruction refers to an account or a sub-batch that does not exist'
      using errcode = 'foreign_key_violation';
  end if;
  return null;
end $$;
drop trigger instruction_event_reported on instruction_event;
drop function instruction_event_reported();
