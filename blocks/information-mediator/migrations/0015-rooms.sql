-- Rooms: applications in which others publish and subscribe to events of declared types (README 3.3 of the specification).
create table room (
  application text not null,
  created_at timestamptz not null default now(),
  constraint room_pkey primary key (application),
  constraint room_application_fkey foreign key (application) references application (id)
);

-- Every version of a type's schema; the newest says what is accepted.
create table event_type (
  room text not null,
  name text not null,
  version integer not null,
  schema jsonb not null,
  created_at timestamptz not null default now(),
  constraint event_type_pkey primary key (room, name, version),
  constraint event_type_room_fkey foreign key (room) references room (application)
);

-- The last number given to an event of a type with a key.
create table event_sequence (
  room text not null,
  type text not null,
  key text not null,
  last bigint not null,
  constraint event_sequence_pkey primary key (room, type, key)
);

alter table event
  -- As it was announced, member by member.
  alter column document type json using document::json,
  -- Of an event in a room: who published it, its key, and its number among those with the same key.
  add column publisher text,
  add column key text,
  add column sequence bigint,
  add column stopped_at timestamptz;
create index event_received on event (received_at, source, id);

alter table subscription
  drop constraint subscription_subscriber_fkey,
  add column id uuid not null default gen_random_uuid(),
  -- To events published in a room, not to those that blocks announce.
  add column room boolean not null default false,
  add column delivery text not null default 'PUSH',
  -- The subscriber's service that takes events of a room; null: `events-v1`, as the events of blocks.
  add column endpoint text,
  add column ttl_seconds integer,
  add column fifo boolean not null default false,
  add column retry jsonb,
  add column max_queue integer,
  add column secret bytea,
  add column suspended_at timestamptz,
  add constraint subscription_id_key unique (id),
  add constraint subscription_delivery_check check (delivery in ('PUSH', 'PULL'));

alter table delivery
  add column pulled boolean not null default false,
  add column expires_at timestamptz,
  drop constraint delivery_state_check,
  add constraint delivery_state_check
    check (state in ('waiting', 'delivered', 'dead', 'expired', 'stopped'));
create index delivery_expiry on delivery (expires_at) where state = 'waiting' and expires_at is not null;
create index delivery_pull on delivery (subscriber, source, event_type, seq) where state = 'waiting' and pulled;

-- Each attempt to deliver (IM-6.5-q).
create table delivery_attempt (
  delivery bigint not null,
  attempt integer not null,
  at timestamptz not null default now(),
  status integer not null,
  error text,
  constraint delivery_attempt_pkey primary key (delivery, attempt, at),
  constraint delivery_attempt_delivery_fkey foreign key (delivery) references delivery (seq) on delete cascade
);

-- What administrators have set as the default of retries; no row: the settings.
create table retry_default (
  one boolean not null default true,
  policy jsonb not null,
  constraint retry_default_pkey primary key (one),
  constraint retry_default_one_check check (one)
);
