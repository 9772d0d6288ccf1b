-- What an adapter needs to know of its rail, which payments the rail takes, and when and how fast it is sent to.
alter table rail
  add column settings jsonb not null default '{}',
  add column rank integer not null default 100,
  add column maximum_amounts jsonb not null default '{}',
  add column transfers_per_second integer,
  add column calendar jsonb,
  add column answer_within_seconds integer,
  add constraint rail_rate_check check (transfers_per_second > 0),
  add constraint rail_answer_check check (answer_within_seconds > 0);

-- What all nodes together know of the traffic to a rail: rate and circuit breaker.
create table rail_traffic (
  rail_id text not null,
  -- Nothing is sent before: the rate is used up.
  next_at timestamptz not null default now(),
  -- Sendings without an answer since the last one with an answer.
  faults integer not null default 0,
  rest_until timestamptz,
  -- One sub-batch is on its way to find out whether the rail works again.
  probe_until timestamptz,
  constraint rail_traffic_pkey primary key (rail_id),
  constraint rail_traffic_rail_fkey foreign key (rail_id) references rail (id)
);
insert into rail_traffic (rail_id) select id from rail;

-- A run is paid before others, and can be stopped while it is paid.
alter table batch
  add column priority smallint not null default 0,
  add column stopped_at timestamptz,
  add constraint batch_priority_check check (priority between -1 and 1);
insert into instruction_move (from_state, to_state) values ('queued', 'cancelled');

-- Whose turn it is: runs that wait for the same rail take turns.
alter table sub_batch add column turn bigint not null default 0;
create index sub_batch_turn on sub_batch (rail_id, turn, id) where state = 'queued';
