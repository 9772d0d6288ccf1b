-- Files to which stamped records went with their evidence, each with the digest of the one before it.
create table archive (
  from_seq bigint not null,
  to_seq bigint not null,
  name text not null,
  digest bytea not null,
  -- End of the chain with its last record: where the log begins when the records before are erased.
  chain_hash bytea not null,
  archived_at timestamptz not null default now(),
  constraint archive_pkey primary key (to_seq),
  constraint archive_from_key unique (from_seq),
  constraint archive_range_check check (from_seq <= to_seq)
);
create trigger archive_append_only before update or delete or truncate on archive
  for each statement execute function refuse_change();

-- Records leave the log when they are archived, not before.
drop trigger message_log_append_only on message_log;
create trigger message_log_append_only before update or truncate on message_log
  for each statement execute function refuse_change();
create function refuse_unarchived() returns trigger language plpgsql as $$
begin
  if not exists (select from archive where to_seq >= old.seq) then
    raise exception 'message_log is append-only';
  end if;
  return old;
end $$;
create trigger message_log_archived before delete on message_log
  for each row execute function refuse_unarchived();
