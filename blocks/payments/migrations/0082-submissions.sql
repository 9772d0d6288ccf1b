-- Submissions of any size: taken over row by row, then split into batches.

create table submission (
  id uuid not null,
  source_id text not null,
  programme_id text not null,
  client_id text not null,
  state text not null,
  request_hash text,
  currency text,
  -- So many instructions lie in the stage, for back-pressure while they still come.
  staged_count integer not null default 0,
  instruction_count integer,
  total_amount bigint,
  -- Positions from part_size × n belong to part n.
  part_size integer,
  maker_application text not null,
  maker_person text,
  not_before timestamptz,
  callback_target jsonb,
  correlation_id text not null,
  created_at timestamptz not null default now(),
  touched_at timestamptz not null default now(),
  constraint submission_pkey primary key (id),
  constraint submission_programme_fkey
    foreign key (source_id, programme_id) references programme (source_id, id),
  constraint submission_state_check check (state in ('receiving', 'received', 'split')),
  constraint submission_complete_check check (
    state = 'receiving'
    or (request_hash, currency, instruction_count, total_amount, part_size) is not null
  )
);
-- Handed over once, however often and at how many nodes at a time it is sent.
create unique index submission_client_key on submission (source_id, client_id) where state <> 'receiving';
create index submission_work on submission (touched_at) where state <> 'split';
create index submission_recent on submission (source_id, id desc);

create function submission_guard() returns trigger language plpgsql as $$
begin
  if (new.id, new.source_id, new.programme_id, new.client_id, new.maker_application, new.maker_person)
    is distinct from
     (old.id, old.source_id, old.programme_id, old.client_id, old.maker_application, old.maker_person)
    or (old.state <> 'receiving' and (new.request_hash, new.currency, new.instruction_count, new.total_amount, new.part_size)
      is distinct from
      (old.request_hash, old.currency, old.instruction_count, old.total_amount, old.part_size)) then
    raise exception 'the content of a submission never changes' using errcode = 'restrict_violation';
  end if;
  if new.state <> old.state
    and (old.state, new.state) not in (('receiving', 'received'), ('received', 'split')) then
    raise exception 'a submission moves only forward' using errcode = 'restrict_violation';
  end if;
  return new;
end $$;
create trigger submission_guard before update on submission for each row execute function submission_guard();

create function submission_kept() returns trigger language plpgsql as $$
begin
  if old.state <> 'receiving' then
    raise exception 'a submission that was taken over is never removed' using errcode = 'restrict_violation';
  end if;
  return old;
end $$;
create trigger submission_kept before delete on submission for each row execute function submission_kept();

-- Instructions between hand-over and their batch. Their ids are those they keep.
create table submission_row (
  submission_id uuid not null,
  position integer not null,
  id uuid not null,
  client_id text not null,
  payee_token bytea not null,
  payee_cipher bytea not null,
  amount bigint not null,
  narration text,
  constraint submission_row_pkey primary key (submission_id, position)
);

alter table batch
  add column submission_id uuid,
  add column part integer,
  add constraint batch_submission_fkey foreign key (submission_id) references submission (id),
  add constraint batch_part_check check ((submission_id is null) = (part is null));
create unique index batch_part_key on batch (submission_id, part) where submission_id is not null;
