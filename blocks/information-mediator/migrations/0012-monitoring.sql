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
