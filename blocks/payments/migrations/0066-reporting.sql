-- The reporting store: its own model, written by the block, read by others (PAY-6.13). No payee and no account is in it.

-- Runs whose figures have changed; a translator takes them from here.
create table reporting_due (
  id bigint not null generated always as identity,
  batch_id uuid not null,
  constraint reporting_due_pkey primary key (id)
);
create index reporting_due_batch on reporting_due (batch_id);

create function batch_event_reported() returns trigger language plpgsql as $$
begin
  insert into reporting_due (batch_id)
  select distinct e.batch_id
  from new_events e
  join batch b on b.id = e.batch_id
  where b.purpose = 'payment';
  return null;
end $$;
create trigger batch_event_reported after insert on batch_event
  referencing new table as new_events
  for each statement execute function batch_event_reported();

create function instruction_event_reported() returns trigger language plpgsql as $$
begin
  insert into reporting_due (batch_id)
  select distinct i.batch_id
  from new_events e
  join instruction i on i.id = e.instruction_id
  where e.to_state in ('completed', 'failed', 'rejected', 'returned', 'cancelled')
    and i.purpose = 'payment';
  return null;
end $$;
create trigger instruction_event_reported after insert on instruction_event
  referencing new table as new_events
  for each statement execute function instruction_event_reported();

insert into reporting_due (batch_id) select id from batch where purpose = 'payment';

create schema reporting;
create table reporting.run (
  batch_id uuid not null,
  source_id text not null,
  source_name text not null,
  programme_id text not null,
  programme_name text not null,
  agency text not null,
  institution_id text not null,
  currency text not null,
  state text not null,
  payments integer not null,
  amount numeric(24, 4) not null,
  handed_over_at timestamptz not null,
  completed_at timestamptz,
  refreshed_at timestamptz not null default now(),
  constraint run_pkey primary key (batch_id)
);
create index run_handed_over on reporting.run (handed_over_at);
create table reporting.result (
  batch_id uuid not null,
  day date not null,
  rail text,
  institution text,
  state text not null,
  reason text,
  payments integer not null,
  amount numeric(24, 4) not null,
  -- Seconds from first sending to completion.
  turnaround_sum numeric not null,
  turnaround_max numeric not null,
  turnaround_breaches integer not null,
  constraint result_run_fkey foreign key (batch_id) references reporting.run (batch_id) on delete cascade
);
create index result_batch on reporting.result (batch_id);
create index result_day on reporting.result (day);

-- Whoever reads from outside does so as the second role of this database, which owns nothing.
do $$
declare
  reader text := (
    select rolname
    from pg_roles
    where rolname = session_user || '_reader' and pg_has_role(session_user, oid, 'member')
  );
begin
  if reader is null then return; end if;
  execute format('grant usage on schema reporting to %I', reader);
  execute format('grant select on all tables in schema reporting to %I', reader);
end $$;
