-- Logs that are searched, checkpoints of the chain, statistics, quality and duplicates.
create extension if not exists pg_trgm;
create extension if not exists fuzzystrmatch;

create index change_log_by_registry on change_log (registry_id, at desc, seq desc);
create index change_log_by_person on change_log (person, at desc, seq desc) where person is not null;

-- As it was written, to the letter: scheme 3 of the log has its digest over the text.
alter table change_content alter column before type json using before::json, alter column after type json using after::json;

-- What was done to registries, in one chain with what was done to records. `owner`: whose registry it is.
create table schema_log (
  seq bigint not null default nextval('change_log_seq'),
  registry_id bigint,
  owner text not null,
  code text not null,
  action text not null,
  application text not null,
  operator text,
  person text,
  exchange_id text not null,
  at timestamptz not null,
  before json,
  after json,
  report json,
  digest bytea not null,
  constraint schema_log_pkey primary key (seq)
);
create index schema_log_by_owner on schema_log (owner, at desc, seq desc);
create trigger schema_log_append_only before update or delete or truncate on schema_log
  for each statement execute function refuse_change();

-- Looks at personal data say more of the reader. Looks at the log itself are in it, without a registry.
alter table read_log
  alter column registry_id drop not null,
  add column owner text,
  add column field_ids integer[] not null default '{}',
  add column roles text[] not null default '{}',
  add column institution text not null default '',
  add column reader_initials text,
  add column refs text[] not null default '{}';
create index read_log_by_registry on read_log (registry_id, at desc, id desc);
create index read_log_by_owner on read_log (owner, at desc, id desc) where owner is not null;
create index read_log_by_person on read_log (person, at desc, id desc) where person is not null;

-- Months of the read log that went by policy: how much, and what it came to.
create table read_log_month (
  month date not null,
  entries bigint not null,
  digest bytea not null,
  gone_at timestamptz not null,
  constraint read_log_month_pkey primary key (month)
);

-- What people ask about entries of their report. The words are sealed.
create table usage_question (
  id uuid not null,
  owner text not null,
  entry uuid not null,
  person text not null,
  question bytea not null,
  asked_at timestamptz not null,
  answer bytea,
  answered_by text,
  answered_at timestamptz,
  constraint usage_question_pkey primary key (id)
);
create index usage_question_by_owner on usage_question (owner, asked_at desc);
create index usage_question_by_person on usage_question (person, asked_at desc);

-- Signed statements of how far the chain is. Keys are derived from the installation's secret; here are the public halves.
create table checkpoint (
  number integer not null,
  from_position bigint not null,
  to_position bigint not null,
  at timestamptz not null,
  signed text not null,
  constraint checkpoint_pkey primary key (number),
  constraint checkpoint_to_key unique (to_position)
);
create table checkpoint_key (
  key_id text not null,
  public_key jsonb not null,
  since timestamptz not null,
  constraint checkpoint_key_pkey primary key (key_id)
);
create trigger checkpoint_append_only before update or delete or truncate on checkpoint
  for each statement execute function refuse_change();

-- Uses of the APIs by day, counted in memory and added up here. `buckets`: calls by how long they took.
create table api_use (
  day date not null,
  owner text not null,
  registry text not null,
  surface text not null,
  operation text not null,
  application text not null,
  outcome text not null,
  calls bigint not null,
  total_ms double precision not null,
  buckets bigint[] not null,
  constraint api_use_pkey primary key (owner, day, registry, surface, operation, application, outcome),
  constraint api_use_outcome_check check (outcome in ('ok', 'refused', 'failed'))
);

create table saved_report (
  owner text not null,
  name text not null,
  definition jsonb not null,
  modified_by text not null,
  modified_at timestamptz not null,
  constraint saved_report_pkey primary key (owner, name)
);

create table quality_day (
  registry_id bigint not null,
  day date not null,
  measured jsonb not null,
  constraint quality_day_pkey primary key (registry_id, day),
  constraint quality_day_registry_fkey foreign key (registry_id) references registry (id) on delete cascade
);

-- Records that may be about the same. `first` < `second`.
create table duplicate_pair (
  id uuid not null,
  registry_id bigint not null,
  first uuid not null,
  second uuid not null,
  score double precision not null,
  fields integer[] not null,
  state text not null default 'open',
  decided_by text,
  found_at timestamptz not null,
  constraint duplicate_pair_pkey primary key (id),
  constraint duplicate_pair_records_key unique (registry_id, first, second),
  constraint duplicate_pair_registry_fkey foreign key (registry_id) references registry (id) on delete cascade,
  constraint duplicate_pair_state_check check (state in ('open', 'different', 'same', 'merged'))
);
create index duplicate_pair_by_score on duplicate_pair (registry_id, state, score desc, id);
create table duplicate_search (
  id uuid not null,
  registry_id bigint not null,
  -- Where it goes on.
  after uuid not null default '00000000-0000-0000-0000-000000000000',
  looked integer not null default 0,
  found integer not null default 0,
  done boolean not null default false,
  started_at timestamptz not null,
  constraint duplicate_search_pkey primary key (id),
  constraint duplicate_search_registry_fkey foreign key (registry_id) references registry (id) on delete cascade
);
create table record_merge (
  id uuid not null,
  registry_id bigint not null,
  pair uuid not null,
  survivor uuid not null,
  other uuid not null,
  -- Versions of the two before and after, to take it back.
  survivor_before integer not null,
  survivor_after integer not null,
  other_after integer not null,
  at timestamptz not null,
  undone_at timestamptz,
  constraint record_merge_pkey primary key (id),
  constraint record_merge_pair_fkey foreign key (pair) references duplicate_pair (id) on delete cascade
);
create index record_merge_by_pair on record_merge (pair) where undone_at is null;

alter table registry
  add column retention_action text not null default 'keep',
  add constraint registry_retention_action_check check (retention_action in ('keep', 'archive', 'erase'));
create table legal_hold (
  registry_id bigint not null,
  record uuid not null,
  reason text not null,
  held_by text not null,
  at timestamptz not null,
  constraint legal_hold_pkey primary key (registry_id, record)
);

-- How a name sounds, word by word, however it is written and with whatever accents.
create function reg.sounds(value text) returns text[] language sql immutable parallel safe
  return (
    select coalesce(array_agg(distinct sound), '{}')
    from unnest(
      regexp_split_to_array(lower(regexp_replace(normalize(value, NFKD), '[\u0300-\u036f]', '', 'g')), '[^[:alpha:]]+')
    ) word,
      unnest(array[public.dmetaphone(word), public.dmetaphone_alt(word)]) sound
    where sound <> ''
  );
-- How much of how two names sound is the same, 0 to 1.
create function reg.alike(one text[], other text[]) returns double precision language sql immutable parallel safe
  return (
    select case
      when cardinality(one) + cardinality(other) = 0 then 0
      else 2.0 * count(*) / (cardinality(one) + cardinality(other))
    end
    from unnest(one) sound
    where sound = any(other)
  );
-- How an erased record is still told from one that lost what it said.
create index change_log_erased on change_log (record, at) where action = 'erase';
