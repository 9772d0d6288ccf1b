-- The signing time that a signature states; null: signed in the form that names the root alone.
alter table message_log add column signed_at timestamptz;

-- Time stamps (RFC 3161) over the records `from_seq` to `to_seq`: `root` is that of a hash tree over them, which can be
-- built again from the log at any time.
create table time_stamp (
  from_seq bigint not null,
  to_seq bigint not null,
  root bytea not null,
  token bytea not null,
  authority bytea not null,
  stamped_at timestamptz not null,
  constraint time_stamp_pkey primary key (to_seq),
  constraint time_stamp_from_key unique (from_seq),
  constraint time_stamp_range_check check (from_seq <= to_seq)
);
create trigger time_stamp_append_only before update or delete or truncate on time_stamp
  for each statement execute function refuse_change();

alter table signing_key
  drop constraint signing_key_purpose_check,
  add constraint signing_key_purpose_check
    check (purpose in ('message', 'caller', 'authority', 'authentication', 'configuration', 'time-stamping'));
alter table certificate
  drop constraint certificate_use_check,
  add constraint certificate_use_check check (use in ('authority', 'signing', 'authentication', 'time-stamping'));
