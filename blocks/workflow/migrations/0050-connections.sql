-- Ways out of the mediator that an application's processes may use. The secret is sealed and never given out.
create table connection (
  owner text not null,
  name text not null,
  settings jsonb not null,
  secret bytea,
  -- When the next request may go out, were they evenly spread (rate limit).
  free_at timestamptz,
  changed_at timestamptz not null,
  changed_by text not null,
  constraint connection_pkey primary key (owner, name)
);

-- Who defined, changed or removed a connection.
create table connection_log (
  id bigint generated always as identity,
  owner text not null,
  name text not null,
  action text not null,
  settings jsonb,
  at timestamptz not null,
  application text not null,
  actor text not null,
  organisation text not null,
  constraint connection_log_pkey primary key (id),
  constraint connection_log_action_check check (action in ('set', 'removed'))
);
create index connection_log_name on connection_log (owner, name, id);

create trigger connection_log_append_only
  before update or delete on connection_log
  for each row execute function refuse_change();

-- Whether the time at which it is due was given to it by the rate limit of its connection.
alter table job add column admitted boolean not null default false;

-- Where whoever started an instance wants to hear of its states: {connection, path}.
alter table instance add column callback jsonb;

-- States of instances that are still to be told, and those that nobody took.
create table notice (
  id uuid not null,
  instance_id uuid not null,
  owner text not null,
  process_key text not null,
  connection text not null,
  path text not null,
  body jsonb not null,
  created_at timestamptz not null,
  due_at timestamptz,
  admitted boolean not null default false,
  attempts integer not null default 0,
  -- Why the last attempt failed.
  refusal text,
  given_up_at timestamptz,
  constraint notice_pkey primary key (id),
  constraint notice_waits_or_given_up check ((due_at is null) = (given_up_at is not null))
);
create index notice_due on notice (due_at) where due_at is not null;
create index notice_instance on notice (instance_id, id);
create index notice_owner on notice (owner, id);
