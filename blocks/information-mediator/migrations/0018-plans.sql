-- Under which plan of a service an application uses it, and until when.
create table plan_subscription (
  service_id text not null,
  consumer text not null,
  plan text not null,
  since timestamptz not null default now(),
  expires_at timestamptz,
  constraint plan_subscription_pkey primary key (service_id, consumer),
  constraint plan_subscription_service_fkey foreign key (service_id) references service (id) on delete cascade
);
create index plan_subscription_expiry on plan_subscription (expires_at) where expires_at is not null;
