-- What waits for signals. A signal has no addressee: it reaches everything of the owner that waits for its name.
create table signal_subscription (
  id uuid not null,
  owner text not null,
  instance_id uuid not null,
  token_id uuid not null,
  element_id text not null,
  signal_name text not null,
  constraint signal_subscription_pkey primary key (id),
  constraint signal_subscription_instance_fkey foreign key (instance_id) references instance (id)
);
create index signal_subscription_match on signal_subscription (owner, signal_name);
create index signal_subscription_instance on signal_subscription (instance_id);

-- A thrown signal on its way, one row for each wait. No foreign key to the instance: it would lock every receiver in
-- the transaction of the throw.
create table signal_delivery (
  id bigint generated always as identity,
  instance_id uuid not null,
  subscription_id uuid not null,
  payload jsonb,
  thrown_at timestamptz not null,
  constraint signal_delivery_pkey primary key (id)
);
