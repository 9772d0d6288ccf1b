-- Messages to sources, notices from rails, and what a person has to look at.

create table callback (
  id uuid not null,
  source_id text not null,
  kind text not null,
  target jsonb not null,
  body_cipher bytea not null,
  state text not null default 'waiting',
  attempts integer not null default 0,
  next_at timestamptz not null default now(),
  last_status integer,
  correlation_id text not null,
  created_at timestamptz not null default now(),
  delivered_at timestamptz,
  constraint callback_pkey primary key (id),
  constraint callback_source_fkey foreign key (source_id) references source_system (id),
  constraint callback_state_check check (state in ('waiting', 'delivered', 'dead'))
);
create index callback_waiting on callback (source_id, id) where state = 'waiting';

create table rail_notice (
  rail_id text not null,
  event_id text not null,
  body jsonb not null,
  signature jsonb,
  received_at timestamptz not null default now(),
  constraint rail_notice_pkey primary key (rail_id, event_id),
  constraint rail_notice_rail_fkey foreign key (rail_id) references rail (id)
);

create table payment_case (
  id uuid not null,
  kind text not null,
  dedup_key text not null,
  batch_id uuid,
  instruction_id uuid,
  rail_id text,
  detail text not null,
  state text not null default 'open',
  opened_at timestamptz not null default now(),
  resolved_at timestamptz,
  resolved_by text,
  outcome text,
  note text,
  constraint payment_case_pkey primary key (id),
  constraint payment_case_key unique (kind, dedup_key),
  constraint payment_case_state_check check (state in ('open', 'resolved')),
  constraint payment_case_kind_check check (kind in (
    'contradiction', 'unknown-too-long', 'address-changed', 'unknown-reference', 'content-changed',
    'failure-rate', 'validation-stuck', 'callback-dead', 'invariant-broken'
  ))
);
create index payment_case_open on payment_case (opened_at) where state = 'open';

-- Key with which messages to sources outside the mediator are signed; the private half is encrypted.
create table signing_key (
  id text not null,
  public_key jsonb not null,
  private_cipher bytea not null,
  created_at timestamptz not null default now(),
  constraint signing_key_pkey primary key (id)
);
