-- One row for each exchange that this server had a part in, never its payload (x-road.md 8). `at` is when the row was
-- stored, in whole seconds: who collects rows by it misses none. A partition for each UTC day, dropped after its time.
create sequence operational_record_seq;
create table operational_record (
  at timestamptz not null,
  seq bigint not null default nextval('operational_record_seq'),
  node text not null,
  side text not null,
  exchange_id uuid not null,
  message_id text not null,
  client text not null,
  operator text,
  service text not null,
  method text not null,
  path text not null,
  user_id text,
  issue text,
  represented_party text,
  peer text,
  request_in bigint not null,
  request_out bigint,
  response_in bigint,
  response_out bigint not null,
  request_size bigint not null,
  response_size bigint not null,
  status integer not null,
  fault_code text,
  fault_string text,
  constraint operational_record_pkey primary key (at, seq),
  constraint operational_record_side_check check (side in ('client', 'producer', 'both'))
) partition by range (at);
-- Byte order: the identifiers of a member's or an application's services are a range.
create index operational_record_client on operational_record (client collate "C", at, seq);
create index operational_record_service on operational_record (service collate "C", at, seq);
create index operational_record_operator on operational_record (operator collate "C", at, seq)
  where operator is not null;

-- What the rows of an hour come to; kept when they are gone.
create table exchange_statistics (
  hour timestamptz not null,
  service text not null,
  client text not null,
  status integer not null,
  error text not null,
  side text not null,
  exchanges bigint not null,
  duration_ms bigint not null,
  longest_ms bigint not null,
  request_bytes bigint not null,
  response_bytes bigint not null,
  constraint exchange_statistics_pkey primary key (hour, service, client, status, error, side)
);

-- Searching the message log, newest first (IM-8.4-a). Requests stand for their exchange; what failed is found by its
-- response. The organisation is the first three parts of an identifier.
create index message_log_requests on message_log (at, seq) where kind = 'request';
create index message_log_client on message_log (client, at, seq) where kind = 'request';
create index message_log_service on message_log (service, at, seq) where kind = 'request';
create index message_log_client_member on message_log (substring(client from '^[^/]*/[^/]*/[^/]*'), at, seq)
  where kind = 'request';
create index message_log_service_member on message_log (substring(service from '^[^/]*/[^/]*/[^/]*'), at, seq)
  where kind = 'request';
create index message_log_operator_member on message_log (substring(operator from '^[^/]*/[^/]*/[^/]*'), at, seq)
  where kind = 'request' and operator is not null;
create index message_log_message_id on message_log (message_id) where kind = 'request';
create index message_log_failed on message_log (at, seq) where kind = 'response' and status >= 400;
create index message_log_failed_client on message_log (client, at, seq) where kind = 'response' and status >= 400;
create index message_log_failed_service on message_log (service, at, seq) where kind = 'response' and status >= 400;

-- Who has read kept messages, and why; written before anything of the message is given out.
create table contents_reading (
  seq bigint generated always as identity,
  at timestamptz not null default now(),
  exchange_id uuid not null,
  kind text not null,
  reader text not null,
  agency text not null,
  application text not null,
  reason text not null,
  constraint contents_reading_pkey primary key (seq),
  constraint contents_reading_kind_check check (kind in ('request', 'response'))
);
create index contents_reading_exchange on contents_reading (exchange_id);
create trigger contents_reading_append_only before update or delete or truncate on contents_reading
  for each statement execute function refuse_change();

-- Warnings and errors of the mediator itself, without what they were about but its ids.
create table system_log (
  seq bigint generated always as identity,
  at timestamptz not null,
  node text not null,
  level smallint not null,
  message text not null,
  fields jsonb not null,
  constraint system_log_pkey primary key (seq)
);
create index system_log_at on system_log (at);

-- The machines this server runs on: figures of each minute; what is installed and what runs, when it was looked at.
create table environment_sample (
  node text not null,
  at timestamptz not null,
  data jsonb not null,
  constraint environment_sample_pkey primary key (at, node)
);
create table environment_snapshot (
  node text not null,
  at timestamptz not null,
  part text not null,
  data jsonb not null,
  constraint environment_snapshot_pkey primary key (part, at, node),
  constraint environment_snapshot_part_check check (part in ('processes', 'packages'))
);

-- The external service to which this server ships what it observes; no row: what the settings say. `secret` is sealed.
create table monitoring_collector (
  one boolean not null default true,
  url text,
  format text not null,
  ships text[] not null,
  secret bytea,
  changed_at timestamptz not null default now(),
  changed_by text not null,
  constraint monitoring_collector_pkey primary key (one),
  constraint monitoring_collector_one_check check (one),
  constraint monitoring_collector_format_check check (format in ('otlp', 'webhook'))
);
