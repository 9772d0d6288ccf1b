-- Runs of a hundred thousand payees: what guards the rows costs per statement, not per row or, worse, per pair of rows.

-- The content of an instruction is guarded by naming its columns: a statement that would set one of them is refused.
create function instruction_content() returns trigger language plpgsql as $$
begin
  raise exception 'the content of an instruction never changes' using errcode = 'restrict_violation';
end $$;
create trigger instruction_content before update of
  id, batch_id, purpose, position, source_id, client_id, payee_token, payee_cipher, amount, currency, retry_of
  on instruction for each statement execute function instruction_content();

-- The plan is kept for the connection: made for one row it must also be good for a hundred thousand.
create or replace function instruction_moved() returns trigger language plpgsql
set enable_nestloop = off
as $$
declare
  refused bigint;
begin
  with moved as (
    select a.id, b.state as from_state, a.state as to_state, a.reason_code, m.from_state is null as refused
    from before_rows b
    join after_rows a on a.id = b.id
    left join instruction_move m on m.from_state = b.state and m.to_state = a.state
    where a.state <> b.state
  ),
  kept as (
    insert into instruction_event (instruction_id, from_state, to_state, reason_code)
    select id, from_state, to_state, reason_code from moved
  )
  select count(*) into refused from moved where moved.refused;
  if refused > 0 then
    raise exception 'an instruction moves only forward' using errcode = 'restrict_violation';
  end if;
  return null;
end $$;

-- No index holds the state, so that a move stays on the page of its row and touches no index.
alter table instruction add column retrying uuid
  generated always as (case when state in ('rejected', 'cancelled') then null else retry_of end) stored;
drop index instruction_retried_once;
create unique index instruction_retried_once on instruction (retrying) where retrying is not null;
create index instruction_retry on instruction (retry_of) where retry_of is not null;
alter table instruction set (fillfactor = 50);

-- A sub-batch is the instructions of one rail between two positions of its run.
alter table sub_batch
  add column first_position integer,
  add column last_position integer,
  -- How its instructions ended, written when it is settled.
  add column completed_count integer not null default 0,
  add column failed_count integer not null default 0;
update sub_batch s
set first_position = i.first_position,
    last_position = i.last_position,
    completed_count = case when s.state = 'settled' then i.completed else 0 end,
    failed_count = case when s.state = 'settled' then i.failed else 0 end
from (
  select
    sub_batch_id,
    min(position) as first_position,
    max(position) as last_position,
    count(*) filter (where state in ('completed', 'returned')) as completed,
    count(*) filter (where state = 'failed') as failed
  from instruction
  where sub_batch_id is not null
  group by sub_batch_id
) i
where i.sub_batch_id = s.id;
alter table sub_batch
  alter column first_position set not null,
  alter column last_position set not null,
  add constraint sub_batch_range_check check (first_position <= last_position);
drop index instruction_sub_batch;
