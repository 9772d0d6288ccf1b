-- Who may do what: rights of a registry, or of a template that is applied to several and stays linked to them.
create table rights_template (
  owner text not null,
  name text not null,
  title text not null,
  -- For every registry of the owner, those to come too.
  everywhere boolean not null default false,
  constraint rights_template_pkey primary key (owner, name)
);
create table rights_template_use (
  owner text not null,
  template text not null,
  registry_id bigint not null,
  constraint rights_template_use_pkey primary key (registry_id, template),
  constraint rights_template_use_template_fkey
    foreign key (owner, template) references rights_template (owner, name) on delete cascade,
  constraint rights_template_use_registry_fkey foreign key (registry_id) references registry (id) on delete cascade
);
create index rights_template_use_template on rights_template_use (owner, template);
create table access_right (
  owner text not null,
  registry_id bigint,
  template text,
  name text not null,
  -- Fields of a registry by their id, of a template by their name.
  content jsonb not null,
  constraint access_right_key unique nulls not distinct (owner, registry_id, template, name),
  constraint access_right_one_check check (num_nonnulls(registry_id, template) = 1),
  constraint access_right_registry_fkey foreign key (registry_id) references registry (id) on delete cascade,
  constraint access_right_template_fkey
    foreign key (owner, template) references rights_template (owner, name) on delete cascade
);

-- What is so without any right, and can be taken away.
create table standing_rights (
  registry_id bigint not null,
  applications text not null,
  analysts boolean not null,
  registrars boolean not null,
  constraint standing_rights_pkey primary key (registry_id),
  constraint standing_rights_registry_fkey foreign key (registry_id) references registry (id) on delete cascade,
  constraint standing_rights_applications_check check (applications in ('all', 'with-person', 'none'))
);

create table rights_group (
  owner text not null,
  name text not null,
  title text not null,
  members jsonb not null,
  constraint rights_group_pkey primary key (owner, name)
);

-- Under which identifiers a person is in the registries of an owner; the identifiers lie sealed.
create table person_identifiers (
  owner text not null,
  person text not null,
  sealed bytea not null,
  constraint person_identifiers_pkey primary key (owner, person)
);

-- Whom a guardian or representative stands for.
create table delegation (
  id uuid not null,
  owner text not null,
  delegate text not null,
  subject_hash bytea not null,
  subject_sealed bytea not null,
  -- null: all of the owner's
  registries bigint[],
  methods text[] not null,
  ground text not null,
  from_at timestamptz not null,
  until_at timestamptz not null,
  revoked_at timestamptz,
  constraint delegation_pkey primary key (id)
);
create index delegation_delegate on delegation (owner, delegate);
alter table read_log add column delegations uuid[];

-- Grows with every change of any of these, so that nodes know when to look again.
create table rights_revision (
  owner text not null,
  revision bigint not null,
  constraint rights_revision_pkey primary key (owner)
);

-- Who changed them, when, and what was before and after. Identifiers of persons are not in it.
create table rights_change (
  seq bigint generated always as identity,
  owner text not null,
  kind text not null,
  registry text,
  name text not null,
  before jsonb,
  after jsonb,
  application text not null,
  person text,
  at timestamptz not null,
  constraint rights_change_pkey primary key (seq)
);
create index rights_change_owner on rights_change (owner, seq);
create trigger rights_change_append_only before update or delete or truncate on rights_change
  for each statement execute function refuse_change();

-- The second wall. The owner of the tables is not held by it; whoever is shown some records only is read for by a role
-- that owns nothing, and sees what setting reg.rows (a jsonpath over the columns) lets through: nothing when it is not set.
create function reg.reader() returns text language sql stable as $$
  select rolname::text
  from pg_roles
  where rolname = session_user || '_reader' and pg_has_role(session_user, oid, 'member')
$$;
-- Its cost is said to be high, as making JSON of a row is: the planner then looks for plans that ask it of few rows.
create function reg.shows(path jsonpath, content jsonb) returns boolean language plpgsql immutable parallel safe cost 1000 as $$
begin
  return coalesce(jsonb_path_match(content, path, '{}', true), false);
end $$;
create function reg.raise_wall(registry bigint) returns void language plpgsql as $$
declare
  reader text := reg.reader();
  relation text := format('r_%s', registry);
begin
  if reader is null then return; end if;
  execute format('alter table reg.%I enable row level security', relation);
  execute format('drop policy if exists reader on reg.%I', relation);
  execute format(
    'create policy reader on reg.%1$I to %2$I using ('
    'reg.shows((select nullif(current_setting(''reg.rows'', true), '''')::jsonpath), to_jsonb(%1$I)))',
    relation, reader
  );
  -- Whoever locks rows needs a right to change one; nothing is changed by this role.
  execute format('grant select, update (uuid) on reg.%I to %I', relation, reader);
end $$;
do $$
begin
  if reg.reader() is not null then execute format('grant usage on schema reg to %I', reg.reader()); end if;
  perform reg.raise_wall(id) from registry where to_regclass('reg.r_' || id) is not null;
end $$;
