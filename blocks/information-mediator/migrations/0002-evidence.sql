-- Keys of this mediator. Private halves are sealed with a key that is not in this database. Retired keys stay, so that
-- what they signed can be verified.
create table signing_key (
  key_id text not null,
  owner text not null,
  purpose text not null,
  public_key jsonb not null,
  private_key bytea not null,
  created_at timestamptz not null default now(),
  retired_at timestamptz,
  constraint signing_key_pkey primary key (key_id),
  constraint signing_key_purpose_check check (purpose in ('message', 'caller'))
);
create unique index signing_key_current on signing_key (owner, purpose) where retired_at is null;

-- One row for each request and each response: what was said is in the digests, `hash` chains each row to all before it.
create table message_log (
  seq bigint not null,
  exchange_id uuid not null,
  kind text not null,
  at timestamptz not null,
  message_id text not null,
  client text not null,
  operator text,
  service text not null,
  method text not null,
  path text not null,
  correlation_id text not null,
  trace_id text not null,
  status integer,
  error text,
  duration_ms integer,
  access_right text,
  head_digest bytea not null,
  body_digest bytea,
  body_size integer not null,
  signer text,
  key_id text,
  signature bytea,
  hash_chain bytea,
  verified boolean not null,
  hash bytea not null,
  constraint message_log_pkey primary key (seq),
  constraint message_log_kind_check check (kind in ('request', 'response')),
  constraint message_log_exchange_key unique (exchange_id, kind)
);
create index message_log_correlation on message_log (correlation_id, seq);
create index message_log_at on message_log using brin (at);

-- The messages themselves, sealed, apart from the log: they are erased after their time and the chain still holds.
-- No foreign key: it would lock and rewrite a log row for every content on the way of each exchange.
create table message_content (
  seq bigint not null,
  contents bytea not null,
  constraint message_content_pkey primary key (seq)
);

-- End of the chain. A writer moves it only from where it last saw it, so two nodes cannot extend the same end.
create table chain_head (
  one boolean not null default true,
  seq bigint not null,
  hash bytea not null,
  constraint chain_head_pkey primary key (one),
  constraint chain_head_one_check check (one)
);
insert into chain_head (seq, hash) values (0, decode(repeat('00', 32), 'hex'));

create function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception '% is append-only', tg_table_name;
end $$;
create trigger message_log_append_only before update or delete or truncate on message_log
  for each statement execute function refuse_change();
create trigger message_content_unchangeable before update or truncate on message_content
  for each statement execute function refuse_change();
