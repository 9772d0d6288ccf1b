-- How requests to a service are let through to its provider: limits, validation, upstreams, credentials.
create table gateway_policy (
  service_id text not null,
  policy jsonb not null,
  -- What the provider wants to see on the internal hop, sealed.
  credential bytea,
  constraint gateway_policy_pkey primary key (service_id),
  constraint gateway_policy_service_fkey foreign key (service_id) references service (id) on delete cascade
);

-- Requests counted against limits of an hour and longer, for all nodes together.
create table gateway_count (
  service_id text not null,
  consumer text not null,
  "limit" text not null,
  window_start timestamptz not null,
  count bigint not null,
  constraint gateway_count_pkey primary key (service_id, consumer, "limit", window_start)
);
create index gateway_count_window on gateway_count (window_start);
