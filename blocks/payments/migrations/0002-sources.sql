-- Who may hand over payments, for which programmes, from which funds, and through which rails they leave.

create table source_system (
  id text not null,
  application text not null,
  name text not null,
  institution_id text not null,
  callback_service text,
  callback_path text,
  callback_urls text[] not null default '{}',
  auto_approve_limit bigint,
  active boolean not null default true,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint source_system_pkey primary key (id),
  constraint source_system_application_key unique (application),
  constraint source_system_limit_check check (auto_approve_limit > 0)
);

create table rail (
  id text not null,
  adapter text not null,
  service text not null,
  name text not null,
  modalities text[] not null,
  institutions text[] not null default '{}',
  currencies text[] not null,
  is_default boolean not null default false,
  batch_size integer not null,
  concurrency integer not null,
  debtor_account text,
  public_key jsonb,
  active boolean not null default true,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint rail_pkey primary key (id),
  constraint rail_batch_size_check check (batch_size between 1 and 1000),
  constraint rail_concurrency_check check (concurrency between 1 and 64)
);

create table programme (
  source_id text not null,
  id text not null,
  name text not null,
  agency text not null,
  currency text not null,
  funding_account text not null,
  payer_rail text,
  maximum_instruction_amount bigint,
  maximum_run_amount bigint,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint programme_pkey primary key (source_id, id),
  constraint programme_source_fkey foreign key (source_id) references source_system (id),
  constraint programme_rail_fkey foreign key (payer_rail) references rail (id),
  constraint programme_currency_check check (currency ~ '^[A-Z]{3}$'),
  constraint programme_instruction_check check (maximum_instruction_amount > 0),
  constraint programme_run_check check (maximum_run_amount > 0)
);

create table budget_release (
  source_id text not null,
  programme_id text not null,
  reference text not null,
  amount bigint not null,
  currency text not null,
  released_by text not null,
  released_at timestamptz not null default now(),
  constraint budget_release_pkey primary key (source_id, programme_id, reference),
  constraint budget_release_programme_fkey
    foreign key (source_id, programme_id) references programme (source_id, id),
  constraint budget_release_amount_check check (amount > 0)
);

-- Who changed which setting, from what to what.
create table administration_log (
  id uuid not null,
  subject text not null,
  action text not null,
  actor text not null,
  detail jsonb not null,
  at timestamptz not null default now(),
  constraint administration_log_pkey primary key (id)
);
create trigger administration_log_append_only before update or delete or truncate on administration_log
  for each statement execute function ledger_append_only();
