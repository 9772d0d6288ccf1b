-- Where the description of a service lies; null: under /openapi.json of its target.
alter table service add column spec_url text;

-- What the configuration says of the instance as a whole; no row: nothing was said.
create table configuration (
  one boolean not null default true,
  domain text not null,
  constraint configuration_pkey primary key (one),
  constraint configuration_one_check check (one)
);

-- The configuration after every document that changed it, and as it was found before when it had been changed in
-- another way. Nothing here is ever changed: whoever rolls back writes another version.
create table configuration_version (
  version integer not null,
  at timestamptz not null default now(),
  actor text not null,
  method text not null,
  restored integer,
  etag text not null,
  -- As text, so that people find its properties in the order in which they were told.
  document json not null,
  changes jsonb not null,
  constraint configuration_version_pkey primary key (version),
  constraint configuration_version_method_check check (method in ('found', 'create', 'update', 'replace', 'restore')),
  constraint configuration_version_restored_check check ((method = 'restore') = (restored is not null))
);
create trigger configuration_version_append_only before update or delete or truncate on configuration_version
  for each statement execute function refuse_change();
