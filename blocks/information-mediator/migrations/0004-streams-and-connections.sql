-- Parts of bodies that are too large to be sealed in one piece, in their order. They are written before the record of
-- their message; parts whose message never came on record are erased with the contents of their time.
create table message_body (
  exchange_id uuid not null,
  kind text not null,
  part integer not null,
  contents bytea not null,
  written_at timestamptz not null default now(),
  constraint message_body_pkey primary key (exchange_id, kind, part),
  constraint message_body_kind_check check (kind in ('request', 'response'))
);
create index message_body_written on message_body using brin (written_at);
create trigger message_body_unchangeable before update or truncate on message_body
  for each statement execute function refuse_change();

-- How an application reaches its own security server (x-road.md 2): plain HTTP on the same machine, TLS, or TLS with a
-- certificate that stands here.
alter table application
  add column connection text not null default 'https',
  add column tls_certificates text[] not null default '{}',
  add constraint application_connection_check check (connection in ('http', 'https', 'https-noauth'));

-- What callers are told while this mediator is in maintenance mode; no row: it works.
create table maintenance (
  one boolean not null default true,
  notice text not null,
  since timestamptz not null default now(),
  constraint maintenance_pkey primary key (one),
  constraint maintenance_one_check check (one)
);
