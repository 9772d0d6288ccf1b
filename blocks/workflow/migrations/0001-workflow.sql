create table definition (
  id text not null,
  owner text not null,
  key text not null,
  revision integer not null,
  name text not null,
  type text not null,
  version text not null,
  is_executable boolean not null,
  is_closed boolean not null,
  description text,
  process_body jsonb not null,
  content_hash text not null,
  enabled boolean not null default true,
  deleted_at timestamptz,
  deployed_at timestamptz not null,
  constraint definition_pkey primary key (id),
  constraint definition_revision_key unique (owner, key, revision),
  constraint definition_type_check check (type in ('None', 'Private', 'Public'))
);

-- Who created, changed or removed a definition, and when (WF-5.1.2).
create table definition_log (
  id bigint generated always as identity,
  definition_id text not null,
  action text not null,
  at timestamptz not null,
  application text not null,
  actor text not null,
  organisation text not null,
  constraint definition_log_pkey primary key (id),
  constraint definition_log_action_check check (action in ('created', 'enabled', 'disabled', 'deleted'))
);
create index definition_log_definition on definition_log (definition_id);

create table instance (
  id uuid not null,
  definition_id text not null,
  owner text not null,
  process_key text not null,
  business_key text,
  status text not null,
  error_code text,
  started_by text not null,
  start_key text,
  start_fingerprint text not null,
  correlation_id text not null,
  revision integer not null,
  started_at timestamptz not null,
  changed_at timestamptz not null,
  ended_at timestamptz,
  constraint instance_pkey primary key (id),
  constraint instance_start_key unique (owner, process_key, start_key),
  constraint instance_definition_fkey foreign key (definition_id) references definition (id),
  constraint instance_status_check check (status in ('running', 'completed', 'failed', 'stopped'))
);
create index instance_definition on instance (definition_id, id);
create index instance_owner on instance (owner, id);
create index instance_business_key on instance (owner, business_key) where business_key is not null;

create table scope (
  id uuid not null,
  instance_id uuid not null,
  kind text not null,
  element_id text not null,
  parent_id uuid,
  owner_token_id uuid,
  iteration integer,
  variables jsonb not null,
  constraint scope_pkey primary key (id),
  constraint scope_instance_fkey foreign key (instance_id) references instance (id),
  constraint scope_kind_check check (kind in ('process', 'subProcess', 'iteration'))
);
create index scope_instance on scope (instance_id);

create table token (
  id uuid not null,
  instance_id uuid not null,
  scope_id uuid not null,
  element_id text not null,
  flow_id text,
  wait jsonb not null,
  subscriptions jsonb not null,
  constraint token_pkey primary key (id),
  constraint token_instance_fkey foreign key (instance_id) references instance (id)
);
create index token_instance on token (instance_id);

-- Calls to be made and timers to come due. A leased job belongs to one worker until it answers, dies or is overdue.
create table job (
  id uuid not null,
  kind text not null,
  instance_id uuid not null,
  token_id uuid not null,
  element_id text not null,
  request jsonb,
  timeout_ms integer,
  due_at timestamptz not null,
  attempts integer not null default 0,
  leases integer not null default 0,
  locked_by uuid,
  locked_until timestamptz,
  constraint job_pkey primary key (id),
  constraint job_instance_fkey foreign key (instance_id) references instance (id),
  constraint job_kind_check check (kind in ('call', 'timer'))
);
create index job_due on job (due_at);
create index job_instance on job (instance_id);

-- Workers of all nodes. Each holds an advisory lock on its number for as long as it lives.
create table worker (
  id uuid not null,
  number bigint generated always as identity,
  started_at timestamptz not null,
  constraint worker_pkey primary key (id)
);

create table subscription (
  id uuid not null,
  owner text not null,
  instance_id uuid not null,
  token_id uuid not null,
  element_id text not null,
  message_name text not null,
  correlation_key text not null,
  created_at timestamptz not null,
  constraint subscription_pkey primary key (id),
  constraint subscription_instance_fkey foreign key (instance_id) references instance (id)
);
create index subscription_match on subscription (owner, message_name, correlation_key);
create index subscription_instance on subscription (instance_id);

-- Messages that have come, delivered or not; kept until they expire so that a repeat is recognised.
create table message (
  id uuid not null,
  owner text not null,
  message_id text not null,
  name text not null,
  correlation_key text not null,
  payload jsonb,
  received_at timestamptz not null,
  expires_at timestamptz not null,
  delivered_to uuid,
  constraint message_pkey primary key (id),
  constraint message_once_key unique (owner, message_id)
);
create index message_waiting on message (owner, name, correlation_key) where delivered_to is null;
create index message_expiry on message (expires_at);

create table user_task (
  id uuid not null,
  instance_id uuid not null,
  owner text not null,
  agency text not null,
  process_key text not null,
  element_id text not null,
  name text not null,
  business_key text,
  candidate_role text,
  form_ref text,
  assignee text,
  excluded_persons text[] not null,
  inputs jsonb not null,
  due_at timestamptz,
  state text not null,
  completed_by text,
  completion_key text,
  created_at timestamptz not null,
  ended_at timestamptz,
  constraint user_task_pkey primary key (id),
  constraint user_task_instance_fkey foreign key (instance_id) references instance (id),
  constraint user_task_state_check check (state in ('open', 'completed', 'cancelled'))
);
create index user_task_open on user_task (agency, candidate_role, id) where state = 'open';
create index user_task_owner on user_task (owner, id);
create index user_task_instance on user_task (instance_id);

create table incident (
  id uuid not null,
  instance_id uuid not null,
  owner text not null,
  token_id uuid not null,
  element_id text not null,
  job_id uuid,
  message text not null,
  raised_at timestamptz not null,
  resolved_at timestamptz,
  constraint incident_pkey primary key (id),
  constraint incident_instance_fkey foreign key (instance_id) references instance (id)
);
create index incident_open on incident (owner, id) where resolved_at is null;
create index incident_instance on incident (instance_id);

-- One row per event of an instance: what happened, who caused it, what followed. Never changed.
create table history (
  id bigint generated always as identity,
  instance_id uuid not null,
  at timestamptz not null,
  event text not null,
  application text not null,
  actor text,
  organisation text not null,
  entries jsonb not null,
  constraint history_pkey primary key (id)
);
create index history_instance on history (instance_id, id);

create function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception 'history is only added to';
end
$$;

create trigger history_append_only
  before update or delete on history
  for each row execute function refuse_change();

create trigger definition_log_append_only
  before update or delete on definition_log
  for each row execute function refuse_change();
