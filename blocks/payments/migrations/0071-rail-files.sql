-- Files exchanged with rails that are reached by files: what was sent, what came back. Never changed, never twice.

create table rail_file (
  id uuid not null,
  rail_id text not null,
  direction text not null,
  message_id text not null,
  sub_batch_id uuid,
  number integer,
  transfer_count integer not null,
  currency text,
  control_sum bigint,
  content_cipher bytea not null,
  content_hash text not null,
  created_at timestamptz not null default now(),
  fetched_at timestamptz,
  fetched_by text,
  constraint rail_file_pkey primary key (id),
  constraint rail_file_rail_fkey foreign key (rail_id) references rail (id),
  constraint rail_file_message_key unique (rail_id, direction, message_id),
  constraint rail_file_content_key unique (rail_id, direction, content_hash),
  constraint rail_file_number_key unique (sub_batch_id, number),
  constraint rail_file_direction_check check (direction in ('out', 'in'))
);
create index rail_file_waiting on rail_file (rail_id, id) where direction = 'out' and fetched_at is null;

-- A reference stands in one file only, however often it is sent.
create table rail_file_entry (
  rail_id text not null,
  reference uuid not null,
  file_id uuid not null,
  constraint rail_file_entry_pkey primary key (rail_id, reference),
  constraint rail_file_entry_file_fkey
    foreign key (file_id) references rail_file (id) deferrable initially deferred
);
create index rail_file_entry_file on rail_file_entry (file_id);

create function rail_file_guard() returns trigger language plpgsql as $$
begin
  if (new.id, new.rail_id, new.direction, new.message_id, new.sub_batch_id, new.number, new.transfer_count,
      new.currency, new.control_sum, new.content_cipher, new.content_hash)
    is distinct from
     (old.id, old.rail_id, old.direction, old.message_id, old.sub_batch_id, old.number, old.transfer_count,
      old.currency, old.control_sum, old.content_cipher, old.content_hash)
    or (old.fetched_at is not null and new.fetched_at is distinct from old.fetched_at) then
    raise exception 'a file never changes' using errcode = 'restrict_violation';
  end if;
  return new;
end $$;
create trigger rail_file_guard before update on rail_file for each row execute function rail_file_guard();
create trigger rail_file_not_removed before delete or truncate on rail_file
  for each statement execute function ledger_append_only();
create trigger rail_file_entry_append_only before update or delete or truncate on rail_file_entry
  for each statement execute function ledger_append_only();
