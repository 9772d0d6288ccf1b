-- Directory: who exists, what they offer, who may use it.
create table member (
  id text not null,
  name text not null,
  signing_key bytea not null,
  signing_certificate_key jsonb not null,
  created_at timestamptz not null default now(),
  constraint member_pkey primary key (id)
);

create table application (
  id text not null,
  member_id text not null,
  name text not null,
  public_key jsonb,
  operators text[] not null default '{}',
  constraint application_pkey primary key (id),
  constraint application_member_fkey foreign key (member_id) references member (id)
);

create table service (
  id text not null,
  application_id text not null,
  title text not null,
  target text not null,
  timeout_ms integer not null default 30000,
  enabled boolean not null default true,
  notice text,
  constraint service_pkey primary key (id),
  constraint service_application_fkey foreign key (application_id) references application (id),
  constraint service_timeout_check check (timeout_ms between 100 and 600000)
);

create table access_right (
  service_id text not null,
  subject text not null,
  method text not null default '*',
  path text not null default '**',
  granted_by text not null,
  granted_at timestamptz not null default now(),
  constraint access_right_pkey primary key (service_id, subject, method, path),
  constraint access_right_service_fkey foreign key (service_id) references service (id) on delete cascade,
  constraint access_right_subject_fkey foreign key (subject) references application (id)
);

create table directory_version (
  one boolean not null default true,
  version bigint not null default 0,
  constraint directory_version_pkey primary key (one),
  constraint directory_version_one_check check (one)
);
insert into directory_version default values;

-- Evidence: one row for each request and each response, chained by hash, never changed.
create table message_log (
  seq bigint not null,
  exchange_id uuid not null,
  kind text not null,
  at timestamptz not null,
  client text not null,
  operator text,
  service text not null,
  method text not null,
  path text not null,
  status integer,
  error text,
  duration_ms integer,
  access_used text,
  correlation_id text not null,
  trace_id text not null,
  signer text,
  key_id text,
  digest bytea not null,
  signature bytea,
  message bytea,
  hash bytea not null,
  constraint message_log_pkey primary key (seq),
  constraint message_log_kind_check check (kind in ('request', 'response'))
);
create index message_log_exchange on message_log (exchange_id);
create index message_log_correlation on message_log (correlation_id, seq);

create function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception 'the message log is append-only';
end $$;
create trigger message_log_append_only before update or delete or truncate on message_log
  for each statement execute function refuse_change();

-- Events: stored before they are acknowledged, delivered to each subscriber at least once.
create table subscription (
  event_type text not null,
  subscriber text not null,
  constraint subscription_pkey primary key (event_type, subscriber),
  constraint subscription_subscriber_fkey foreign key (subscriber) references application (id)
);

create table event (
  source text not null,
  id text not null,
  type text not null,
  subject text,
  document jsonb not null,
  received_at timestamptz not null default now(),
  constraint event_pkey primary key (source, id)
);

create table delivery (
  seq bigint generated always as identity,
  source text not null,
  event_id text not null,
  subscriber text not null,
  state text not null default 'waiting',
  attempts integer not null default 0,
  next_at timestamptz not null default now(),
  last_error text,
  constraint delivery_pkey primary key (source, event_id, subscriber),
  constraint delivery_event_fkey foreign key (source, event_id) references event (source, id),
  constraint delivery_state_check check (state in ('waiting', 'delivered', 'dead'))
);
create index delivery_waiting on delivery (next_at, seq) where state = 'waiting';
