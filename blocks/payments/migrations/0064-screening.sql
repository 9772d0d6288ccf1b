-- Outside checks of payees before a run can be approved, and the queue of what they found (PAY-5.1.4, PAY-6.1-j).

create table screening_check (
  id text not null,
  name text not null,
  kind text not null,
  service text not null,
  -- Asked about payments of this source, or of this programme of it; of all when absent.
  source_id text,
  programme_id text,
  on_hit text not null,
  sends_account boolean not null default false,
  timeout_seconds integer not null,
  active boolean not null default true,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint screening_check_pkey primary key (id),
  constraint screening_check_source_fkey foreign key (source_id) references source_system (id),
  constraint screening_check_programme_fkey
    foreign key (source_id, programme_id) references programme (source_id, id),
  constraint screening_check_scope_check check (programme_id is null or source_id is not null),
  constraint screening_check_kind_check
    check (kind in ('kyc', 'aml', 'sanctions', 'deceased', 'account-status', 'other')),
  constraint screening_check_hit_check check (on_hit in ('reject', 'review')),
  constraint screening_check_timeout_check check (timeout_seconds between 1 and 300)
);

-- What a check said about a payment to an account as the mapper had it then.
create table screening_result (
  instruction_id uuid not null,
  check_id text not null,
  version_id uuid not null,
  hit boolean not null,
  on_hit text not null,
  reason_code text,
  at timestamptz not null default now(),
  constraint screening_result_pkey primary key (instruction_id, check_id, version_id),
  constraint screening_result_instruction_fkey foreign key (instruction_id) references instruction (id)
);
create trigger screening_result_append_only before update or delete or truncate on screening_result
  for each statement execute function ledger_append_only();

create table screening_review (
  id uuid not null,
  batch_id uuid not null,
  instruction_id uuid not null,
  check_id text not null,
  version_id uuid not null,
  reason_code text,
  state text not null default 'open',
  opened_at timestamptz not null default now(),
  decided_by text,
  decided_at timestamptz,
  note text,
  constraint screening_review_pkey primary key (id),
  constraint screening_review_key unique (instruction_id, check_id, version_id),
  constraint screening_review_instruction_fkey foreign key (instruction_id) references instruction (id),
  constraint screening_review_state_check check (state in ('open', 'released', 'rejected')),
  constraint screening_review_decided_check check ((state = 'open') = (decided_by is null))
);
create index screening_review_open on screening_review (batch_id) where state = 'open';
create function screening_review_guard() returns trigger language plpgsql as $$
begin
  if old.state <> 'open'
    or (new.id, new.batch_id, new.instruction_id, new.check_id, new.version_id, new.reason_code, new.opened_at)
      is distinct from
       (old.id, old.batch_id, old.instruction_id, old.check_id, old.version_id, old.reason_code, old.opened_at) then
    raise exception 'a review is decided once' using errcode = 'restrict_violation';
  end if;
  return new;
end $$;
create trigger screening_review_guard before update on screening_review
  for each row execute function screening_review_guard();
create trigger screening_review_not_removed before delete or truncate on screening_review
  for each statement execute function ledger_append_only();
