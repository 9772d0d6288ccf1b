-- What every block's database holds for the platform: facts on their way out, facts already heard, answers already given.
create schema if not exists platform;

create table platform.outbox (
  id uuid primary key,
  type text not null,
  subject text,
  data jsonb not null,
  correlation_id text not null,
  traceparent text not null,
  occurred_at timestamptz not null,
  attempts integer not null default 0
);

create table platform.inbox (
  event_id text not null,
  event_type text not null,
  source text not null,
  heard_at timestamptz not null default now(),
  constraint inbox_pkey primary key (source, event_id, event_type)
);

create table platform.idempotency (
  scope text not null,
  key text not null,
  fingerprint text not null,
  status integer,
  body jsonb,
  created_at timestamptz not null default now(),
  constraint idempotency_pkey primary key (scope, key)
);
create index idempotency_created_at on platform.idempotency (created_at);
