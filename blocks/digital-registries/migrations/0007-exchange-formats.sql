-- Registries in the formats of other systems: mappings as data, DCI senders, their transactions and subscriptions.

-- What a registry is called elsewhere: attributes, codes, record types. json, not jsonb: the order is the author's.
create table mapping (
  owner text not null,
  name text not null,
  document json not null,
  modified_at timestamptz not null default now(),
  modified_by text not null,
  constraint mapping_pkey primary key (owner, name)
);

-- Systems that speak DCI with an owner's registries: who they are here, their keys, where they may be called back.
create table dci_sender (
  owner text not null,
  sender_id text not null,
  application text not null,
  signature text not null,
  keys jsonb not null,
  callbacks text[] not null,
  callback_service text,
  modified_at timestamptz not null default now(),
  modified_by text not null,
  constraint dci_sender_pkey primary key (owner, sender_id),
  constraint dci_sender_signature_check check (signature in ('demanded', 'waived'))
);

-- Every message that was taken, and every notification. The id is the correlation id. What was asked is kept sealed
-- until it is answered; what came of it, without records, for txn/status.
create table dci_transaction (
  id uuid not null,
  owner text not null,
  mapping text not null,
  sender_id text not null,
  application text not null,
  operator text,
  exchange_id text not null,
  message_id text not null,
  transaction_id text not null,
  action text not null,
  state text not null,
  target jsonb,
  request bytea,
  fingerprint bytea not null,
  outcomes jsonb not null default '[]',
  attempts integer not null default 0,
  created_at timestamptz not null default now(),
  ended_at timestamptz,
  constraint dci_transaction_pkey primary key (id),
  constraint dci_transaction_message_key unique (owner, mapping, sender_id, message_id),
  constraint dci_transaction_state_check check (state in ('rcvd', 'pdng', 'succ', 'rjct'))
);
create index dci_transaction_by_id on dci_transaction (owner, sender_id, transaction_id);
create index dci_transaction_age on dci_transaction (created_at);

-- Who is told of changes. `position` is the last link of the chain of changes that was looked at.
create table dci_subscription (
  code uuid not null,
  owner text not null,
  mapping text not null,
  sender_id text not null,
  application text not null,
  exchange_id text not null,
  event_type text not null,
  record_type text not null,
  filter bytea not null,
  filter_key bytea not null,
  frequency jsonb,
  target jsonb not null,
  locale text,
  position bigint not null,
  next_at timestamptz not null,
  state text not null,
  created_at timestamptz not null default now(),
  ended_at timestamptz,
  constraint dci_subscription_pkey primary key (code),
  constraint dci_subscription_state_check check (state in ('subscribe', 'unsubscribe'))
);
create unique index dci_subscription_once on dci_subscription (owner, mapping, sender_id, event_type, record_type, filter_key)
where state = 'subscribe';
create index dci_subscription_due on dci_subscription (next_at) where state = 'subscribe';
