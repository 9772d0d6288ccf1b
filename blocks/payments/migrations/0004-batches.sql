-- Batches of credit instructions from hand-over to result.

create table batch (
  id uuid not null,
  purpose text not null,
  source_id text not null,
  programme_id text,
  client_batch_id text not null,
  request_id text,
  request_hash text not null,
  currency text not null,
  instruction_count integer not null,
  total_amount bigint not null,
  valid_count integer,
  valid_amount bigint,
  content_hash text,
  possible_duplicates integer not null default 0,
  state text not null,
  reason text,
  maker_application text not null,
  maker_person text,
  not_before timestamptz,
  callback_target jsonb,
  progress_told integer not null default 0,
  funds_authorised_at timestamptz,
  dispatch_paused_at timestamptz,
  correlation_id text not null,
  lease_token uuid,
  lease_until timestamptz,
  failures integer not null default 0,
  next_at timestamptz not null default now(),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  completed_at timestamptz,
  constraint batch_pkey primary key (id),
  constraint batch_client_key unique (source_id, purpose, client_batch_id),
  constraint batch_source_fkey foreign key (source_id) references source_system (id),
  constraint batch_programme_fkey
    foreign key (source_id, programme_id) references programme (source_id, id),
  constraint batch_purpose_check check (purpose in ('payment', 'validation')),
  constraint batch_programme_check check (purpose = 'validation' or programme_id is not null),
  constraint batch_state_check check (state in (
    'received', 'validated', 'awaiting-approval', 'approved', 'held', 'authorised', 'processing',
    'completed', 'partially-completed', 'failed', 'rejected', 'cancelled'
  ))
);
create index batch_work on batch (next_at) where state in ('received', 'approved', 'authorised');
create index batch_recent on batch (source_id, id desc);

create table batch_move (
  from_state text not null,
  to_state text not null,
  constraint batch_move_pkey primary key (from_state, to_state)
);
insert into batch_move (from_state, to_state) values
  ('received', 'validated'),
  ('received', 'awaiting-approval'),
  ('received', 'failed'),
  ('received', 'cancelled'),
  ('awaiting-approval', 'approved'),
  ('awaiting-approval', 'held'),
  ('awaiting-approval', 'rejected'),
  ('awaiting-approval', 'cancelled'),
  ('held', 'approved'),
  ('held', 'cancelled'),
  ('approved', 'held'),
  ('approved', 'authorised'),
  ('approved', 'cancelled'),
  ('authorised', 'held'),
  ('authorised', 'processing'),
  ('processing', 'completed'),
  ('processing', 'partially-completed'),
  ('processing', 'failed');

create table batch_event (
  id bigint not null generated always as identity,
  batch_id uuid not null,
  from_state text,
  to_state text not null,
  reason text,
  actor text not null,
  at timestamptz not null default now(),
  constraint batch_event_pkey primary key (id),
  constraint batch_event_batch_fkey foreign key (batch_id) references batch (id)
);
create index batch_event_batch on batch_event (batch_id, id);
create trigger batch_event_append_only before update or delete or truncate on batch_event
  for each statement execute function ledger_append_only();

create function batch_moved() returns trigger language plpgsql as $$
begin
  if (new.purpose, new.source_id, new.programme_id, new.client_batch_id, new.request_hash, new.currency,
      new.instruction_count, new.total_amount, new.maker_application, new.maker_person)
    is distinct from
     (old.purpose, old.source_id, old.programme_id, old.client_batch_id, old.request_hash, old.currency,
      old.instruction_count, old.total_amount, old.maker_application, old.maker_person) then
    raise exception 'the content of a batch never changes' using errcode = 'restrict_violation';
  end if;
  if new.state <> old.state and not exists (
    select from batch_move m where m.from_state = old.state and m.to_state = new.state
  ) then
    raise exception 'a batch cannot go from % to %', old.state, new.state using errcode = 'restrict_violation';
  end if;
  return new;
end $$;
create trigger batch_moved before update on batch for each row execute function batch_moved();

create table approval (
  batch_id uuid not null,
  decision text not null,
  person text not null,
  agency text,
  application text not null,
  content_hash text not null,
  reason text,
  exchange_id text not null,
  at timestamptz not null default now(),
  -- A run is decided once, by whoever comes first.
  constraint approval_pkey primary key (batch_id),
  constraint approval_batch_fkey foreign key (batch_id) references batch (id),
  constraint approval_decision_check check (decision in ('approved', 'rejected'))
);
create trigger approval_append_only before update or delete or truncate on approval
  for each statement execute function ledger_append_only();

create table sub_batch (
  id uuid not null,
  batch_id uuid not null,
  rail_id text not null,
  position integer not null,
  instruction_count integer not null,
  total_amount bigint not null,
  state text not null,
  sends integer not null default 0,
  next_at timestamptz not null default now(),
  created_at timestamptz not null default now(),
  constraint sub_batch_pkey primary key (id),
  constraint sub_batch_position_key unique (batch_id, rail_id, position),
  constraint sub_batch_batch_fkey foreign key (batch_id) references batch (id),
  constraint sub_batch_rail_fkey foreign key (rail_id) references rail (id),
  constraint sub_batch_state_check check (state in ('queued', 'sent', 'settled'))
);
create index sub_batch_work on sub_batch (next_at, id) where state = 'queued';
create index sub_batch_open on sub_batch (batch_id) where state <> 'settled';

create table instruction (
  id uuid not null,
  batch_id uuid not null,
  purpose text not null,
  position integer not null,
  source_id text not null,
  client_id text not null,
  payee_token bytea not null,
  payee_cipher bytea not null,
  amount bigint not null,
  currency text not null,
  narration text,
  retry_of uuid,
  state text not null,
  reason_code text,
  possible_duplicate boolean not null default false,
  version_id uuid,
  rail_id text,
  sub_batch_id uuid,
  rail_reference text,
  correlation_id text not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint instruction_pkey primary key (id),
  constraint instruction_position_key unique (batch_id, position),
  constraint instruction_client_key unique (batch_id, client_id),
  -- PAY-5.3.4-d: the same payee and amount twice in one batch is a duplicate payment.
  constraint instruction_payment_key unique (batch_id, payee_token, amount),
  constraint instruction_batch_fkey foreign key (batch_id) references batch (id),
  constraint instruction_version_fkey foreign key (version_id) references mapper_version (id),
  constraint instruction_sub_batch_fkey foreign key (sub_batch_id) references sub_batch (id),
  constraint instruction_retry_fkey foreign key (retry_of) references instruction (id),
  constraint instruction_amount_check check (amount > 0),
  constraint instruction_state_check check (state in (
    'received', 'validated', 'rejected', 'queued', 'submitted', 'unknown', 'completed', 'failed', 'returned',
    'cancelled'
  ))
);
-- An instruction id is used once per source, over all its payment batches.
create unique index instruction_once on instruction (source_id, client_id) where purpose = 'payment';
-- A failed instruction is paid anew by one instruction at most.
create unique index instruction_retried_once on instruction (retry_of)
  where retry_of is not null and state not in ('rejected', 'cancelled');
create index instruction_payee on instruction (source_id, payee_token, id desc);
create index instruction_sub_batch on instruction (sub_batch_id, state);

create table instruction_move (
  from_state text not null,
  to_state text not null,
  constraint instruction_move_pkey primary key (from_state, to_state)
);
insert into instruction_move (from_state, to_state) values
  ('received', 'validated'),
  ('received', 'rejected'),
  ('received', 'cancelled'),
  ('validated', 'queued'),
  ('validated', 'failed'),
  ('validated', 'cancelled'),
  ('queued', 'submitted'),
  ('queued', 'failed'),
  ('submitted', 'completed'),
  ('submitted', 'failed'),
  ('submitted', 'unknown'),
  ('unknown', 'completed'),
  ('unknown', 'failed'),
  ('completed', 'returned');

create table instruction_event (
  id bigint not null generated always as identity,
  instruction_id uuid not null,
  from_state text not null,
  to_state text not null,
  reason_code text,
  at timestamptz not null default now(),
  constraint instruction_event_pkey primary key (id)
);
create index instruction_event_instruction on instruction_event (instruction_id, id);
create trigger instruction_event_append_only before update or delete or truncate on instruction_event
  for each statement execute function ledger_append_only();

-- Checked per statement, so that hundreds of instructions move at the price of one.
create function instruction_moved() returns trigger language plpgsql as $$
begin
  if exists (
    select
    from before_rows b
    join after_rows a on a.id = b.id
    where (a.batch_id, a.purpose, a.position, a.source_id, a.client_id, a.payee_token, a.payee_cipher,
           a.amount, a.currency, a.retry_of)
      is distinct from
          (b.batch_id, b.purpose, b.position, b.source_id, b.client_id, b.payee_token, b.payee_cipher,
           b.amount, b.currency, b.retry_of)
  ) or (select count(*) from before_rows b join after_rows a on a.id = b.id)
    <> (select count(*) from before_rows) then
    raise exception 'the content of an instruction never changes' using errcode = 'restrict_violation';
  end if;
  if exists (
    select
    from before_rows b
    join after_rows a on a.id = b.id
    left join instruction_move m on m.from_state = b.state and m.to_state = a.state
    where a.state <> b.state and m.from_state is null
  ) then
    raise exception 'an instruction moves only forward' using errcode = 'restrict_violation';
  end if;
  insert into instruction_event (instruction_id, from_state, to_state, reason_code)
  select a.id, b.state, a.state, a.reason_code
  from before_rows b
  join after_rows a on a.id = b.id
  where a.state <> b.state;
  return null;
end $$;
create trigger instruction_moved after update on instruction
  referencing old table as before_rows new table as after_rows
  for each statement execute function instruction_moved();
create trigger instruction_not_removed before delete or truncate on instruction
  for each statement execute function ledger_append_only();

-- One sending of one instruction: committed before the rail hears of it.
create table attempt (
  id uuid not null,
  instruction_id uuid not null,
  sub_batch_id uuid not null,
  rail_id text not null,
  number integer not null,
  state text not null,
  sent_at timestamptz not null default now(),
  next_check_at timestamptz not null,
  checks integer not null default 0,
  answered_at timestamptz,
  answered_by text,
  reason_code text,
  constraint attempt_pkey primary key (id),
  constraint attempt_number_key unique (instruction_id, number),
  constraint attempt_instruction_fkey foreign key (instruction_id) references instruction (id),
  constraint attempt_state_check
    check (state in ('open', 'unknown', 'succeeded', 'failed', 'refused', 'not-received'))
);
create unique index attempt_one_open on attempt (instruction_id) where state in ('open', 'unknown');
create unique index attempt_one_success on attempt (instruction_id) where state = 'succeeded';
create index attempt_check on attempt (next_check_at) where state in ('open', 'unknown');

create table certificate (
  batch_id uuid not null,
  content jsonb not null,
  hash text not null,
  issued_at timestamptz not null default now(),
  constraint certificate_pkey primary key (batch_id),
  constraint certificate_batch_fkey foreign key (batch_id) references batch (id)
);
create trigger certificate_append_only before update or delete or truncate on certificate
  for each statement execute function ledger_append_only();
