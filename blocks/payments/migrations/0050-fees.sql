-- What rails charge per payment: schedules in versions, computed when a run is validated, reserved and booked with it.

create table fee_schedule (
  id uuid not null,
  rail_id text not null,
  -- Payments of this modality; empty: of all for which there is no own schedule.
  modality text not null default '',
  currency text not null,
  version integer not null,
  -- Bands by amount, the first that reaches up to it: {upTo?, flat, perMillion, minimum?, maximum?}, minor units.
  bands jsonb not null,
  valid_from timestamptz not null,
  valid_to timestamptz,
  created_by text not null,
  created_at timestamptz not null default now(),
  constraint fee_schedule_pkey primary key (id),
  constraint fee_schedule_version_key unique (rail_id, modality, currency, version),
  constraint fee_schedule_rail_fkey foreign key (rail_id) references rail (id),
  constraint fee_schedule_validity_check check (valid_to > valid_from)
);
create trigger fee_schedule_append_only before update or delete or truncate on fee_schedule
  for each statement execute function ledger_append_only();

-- The fee of an amount under some bands, rounded half up to a whole minor unit.
create function fee_of(amount bigint, bands jsonb) returns bigint
language sql immutable parallel safe
return (
  select greatest(
    coalesce((b.band ->> 'minimum')::bigint, 0),
    least(
      coalesce((b.band ->> 'maximum')::bigint, 9223372036854775807),
      (b.band ->> 'flat')::bigint + round(amount::numeric * (b.band ->> 'perMillion')::bigint / 1000000)::bigint
    )
  )
  from jsonb_array_elements(bands) with ordinality as b (band, number)
  where (b.band -> 'upTo') is null or amount <= (b.band ->> 'upTo')::bigint
  order by b.number
  limit 1
);

alter table instruction add column fee bigint not null default 0
  constraint instruction_fee_check check (fee >= 0);
alter table batch add column fee_amount bigint not null default 0
  constraint batch_fee_check check (fee_amount >= 0);

-- By which schedules the fees of a run were computed.
create table run_fee (
  batch_id uuid not null,
  schedule_id uuid not null,
  count integer not null,
  amount bigint not null,
  constraint run_fee_pkey primary key (batch_id, schedule_id),
  constraint run_fee_batch_fkey foreign key (batch_id) references batch (id),
  constraint run_fee_schedule_fkey foreign key (schedule_id) references fee_schedule (id)
);
