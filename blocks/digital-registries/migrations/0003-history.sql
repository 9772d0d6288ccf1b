-- Logs by month, so that old ones can go as a whole; what records said apart from that they changed, so that it can be
-- erased and the chain still holds.
alter table change_seal drop constraint change_seal_change_fkey;
alter table change_log rename to change_log_before;
alter table change_log_before rename constraint change_log_pkey to change_log_before_pkey;
alter table change_log_before rename constraint change_log_registry_fkey to change_log_before_registry_fkey;
alter index change_log_record rename to change_log_before_record;

create sequence change_log_seq;
select setval('change_log_seq', greatest((select coalesce(max(seq), 0) from change_log_before), 1), (select count(*) > 0 from change_log_before));

create table change_log (
  seq bigint not null default nextval('change_log_seq'),
  registry_id bigint not null,
  record uuid not null,
  row_version integer not null,
  action text not null,
  application text not null,
  operator text,
  person text,
  exchange_id text not null,
  at timestamptz not null,
  -- 1: the digest is over the contents; 2: over the salted digests of the contents.
  scheme smallint not null,
  before_digest bytea,
  after_digest bytea,
  digest bytea not null,
  constraint change_log_pkey primary key (at, seq),
  constraint change_log_registry_fkey foreign key (registry_id) references registry (id),
  constraint change_log_action_check
    check (action in ('create', 'update', 'delete', 'archive', 'restore', 'erase'))
) partition by range (at);
create index change_log_by_seq on change_log (seq);
create index change_log_record on change_log (record, row_version);

-- By field id under scheme 2, by field name under scheme 1.
create table change_content (
  seq bigint not null,
  salt bytea,
  before jsonb,
  after jsonb,
  constraint change_content_pkey primary key (seq)
);

alter table read_log rename to read_log_before;
alter table read_log_before rename constraint read_log_pkey to read_log_before_pkey;
alter table read_log_before rename constraint read_log_registry_fkey to read_log_before_registry_fkey;
alter index read_log_subjects rename to read_log_before_subjects;
create table read_log (
  id uuid not null,
  registry_id bigint not null,
  records uuid[] not null,
  subjects bytea[] not null,
  fields text[] not null,
  method text not null,
  application text not null,
  operator text,
  person text,
  purpose text,
  consent_reference text,
  legal_ground text,
  exchange_id text not null,
  correlation_id text not null,
  at timestamptz not null,
  constraint read_log_pkey primary key (at, id),
  constraint read_log_registry_fkey foreign key (registry_id) references registry (id)
) partition by range (at);
create index read_log_subjects on read_log using gin (subjects);
create index read_log_records on read_log using gin (records);

-- A partition of a log for a month.
create function make_month(log text, month date) returns void language plpgsql as $$
begin
  execute format(
    'create table if not exists %I partition of %I for values from (%L) to (%L)',
    log || '_' || to_char(month, 'YYYYMM'), log, month, month + interval '1 month'
  );
end $$;

select make_month('change_log', month::date)
from generate_series(
  date_trunc('month', least((select min(at) from change_log_before), now())), date_trunc('month', now()) + interval '2 months', interval '1 month'
) month;
select make_month('read_log', month::date)
from generate_series(
  date_trunc('month', least((select min(at) from read_log_before), now())), date_trunc('month', now()) + interval '2 months', interval '1 month'
) month;

insert into change_log (seq, registry_id, record, row_version, action, application, operator, person, exchange_id, at, scheme, digest)
select seq, registry_id, record, row_version, action, application, operator, person, exchange_id, at, 1, digest
from change_log_before;
insert into change_content (seq, before, after)
select seq, before, after
from change_log_before;
drop table change_log_before;
insert into read_log select * from read_log_before;
drop table read_log_before;

-- What was erased, for whom and on what ground: all that is left of it.
create table erasure (
  id uuid not null,
  registry_id bigint not null,
  record uuid not null,
  fields integer[] not null,
  legal_ground text not null,
  application text not null,
  person text,
  at timestamptz not null,
  constraint erasure_pkey primary key (id),
  constraint erasure_registry_fkey foreign key (registry_id) references registry (id)
);
create index erasure_record on erasure (record);

create trigger change_log_append_only before update or delete or truncate on change_log
  for each statement execute function refuse_change();
create trigger read_log_append_only before update or delete or truncate on read_log
  for each statement execute function refuse_change();
create trigger change_content_unchangeable before update or truncate on change_content
  for each statement execute function refuse_change();
create trigger erasure_append_only before update or delete or truncate on erasure
  for each statement execute function refuse_change();
