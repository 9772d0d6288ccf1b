-- Life cycle of registries: draft, published, archived; what the owner says of them; drafts of versions to come.
alter table registry
  add column state text not null default 'published',
  add column description text not null default '',
  add column domain text not null default '',
  add column institution text not null default '',
  add column classification text not null default 'restricted',
  add column retention_days integer,
  add column number_format text not null default '{code}{indexNoByCode}',
  add column storage_profile text not null default 'standard',
  -- Every column a record is written to: [{"field": 3, "column": "f_3", "type": "text"}].
  add column columns jsonb not null default '[]',
  -- Grows with every change of the columns: writers check it, so that none writes past a new one.
  add column revision bigint not null default 1,
  add column archived_at timestamptz,
  add column modified_at timestamptz not null default now(),
  add column modified_by text not null default '',
  add constraint registry_state_check check (state in ('draft', 'published', 'archived')),
  add constraint registry_classification_check check (classification in ('open', 'restricted', 'confidential')),
  add constraint registry_storage_profile_check check (storage_profile in ('standard', 'lean'));
update registry set state = 'archived', archived_at = now() where archived;
alter table registry drop column archived;
update registry r
set columns = (
  select jsonb_agg(jsonb_build_object('field', (f ->> 'id')::integer, 'column', 'f_' || (f ->> 'id'), 'type', f ->> 'type'))
  from (
    select distinct on (f ->> 'id') f
    from registry_version v, jsonb_array_elements(v.fields) f
    where v.registry_id = r.id
    order by f ->> 'id', v.position desc
  ) newest
)
where exists (select from registry_version v where v.registry_id = r.id);

-- json, not jsonb: the order of the fields is the analyst's.
alter table registry_version
  alter column schema type json using schema::json,
  add column state text not null default 'published',
  add column published_by text not null default '',
  add column report jsonb not null default '[]',
  add constraint registry_version_state_check check (state in ('published', 'deprecated', 'withdrawn'));

-- At most one draft a registry: the version to come.
create table registry_draft (
  registry_id bigint not null,
  schema json not null,
  modified_at timestamptz not null default now(),
  modified_by text not null,
  publishing boolean not null default false,
  failure text,
  constraint registry_draft_pkey primary key (registry_id),
  constraint registry_draft_registry_fkey foreign key (registry_id) references registry (id)
);

-- Each record has a registry number, unique in its registry.
do $$
declare r record;
begin
  for r in select id, code from registry loop
    execute format('create sequence reg.s_%s', r.id);
    execute format('alter table reg.r_%s add column no text', r.id);
    execute format('update reg.r_%s set no = %L || nextval(%L)', r.id, upper(r.code), 'reg.s_' || r.id);
    execute format('alter table reg.r_%s alter column no set not null', r.id);
    execute format('create unique index n_%s on reg.r_%s (no)', r.id, r.id);
  end loop;
end $$;

-- How a value is read as another type when a field changes its type; null when it cannot be.
create function reg.as_integer(value text) returns bigint language plpgsql immutable as $$
begin
  return value::bigint;
exception when others then return null;
end $$;
create function reg.as_number(value text) returns numeric language plpgsql immutable as $$
begin
  return value::numeric;
exception when others then return null;
end $$;
create function reg.as_boolean(value text) returns boolean language sql immutable as $$
  select case lower(value) when 'true' then true when 'false' then false end
$$;
create function reg.as_date(value text) returns date language plpgsql stable as $$
begin
  return case when value ~ '^\d{4}-\d{2}-\d{2}' then left(value, 10)::date end;
exception when others then return null;
end $$;
create function reg.as_date_time(value text) returns timestamptz language plpgsql stable as $$
begin
  return case when value ~ '^\d{4}-\d{2}-\d{2}' then value::timestamptz end;
exception when others then return null;
end $$;
create function reg.as_time(value text) returns time language plpgsql stable as $$
begin
  return case when value ~ '^\d{2}:\d{2}' then value::time end;
exception when others then return null;
end $$;
