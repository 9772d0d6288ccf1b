-- Events: stored before they are acknowledged, delivered to each subscriber at least once.

create table subscription (
  source text not null,
  event_type text not null,
  subscriber text not null,
  granted_by text not null,
  created_at timestamptz not null default now(),
  constraint subscription_pkey primary key (source, event_type, subscriber),
  constraint subscription_source_fkey foreign key (source) references application (id),
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
  seq bigint not null generated always as identity,
  source text not null,
  event_id text not null,
  event_type text not null,
  subscriber text not null,
  -- Deliveries to one subscriber with the same key keep their order; null: no order.
  ordering_key text,
  state text not null default 'waiting',
  attempts integer not null default 0,
  next_at timestamptz not null default now(),
  last_error text,
  created_at timestamptz not null default now(),
  delivered_at timestamptz,
  constraint delivery_pkey primary key (seq),
  constraint delivery_event_key unique (source, event_id, subscriber),
  constraint delivery_event_fkey foreign key (source, event_id) references event (source, id),
  constraint delivery_state_check check (state in ('waiting', 'delivered', 'dead'))
);
create index delivery_due on delivery (next_at, seq) where state = 'waiting';
create index delivery_order on delivery (subscriber, ordering_key, seq) where state = 'waiting';
create index delivery_dead on delivery (seq) where state = 'dead';
