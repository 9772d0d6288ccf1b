-- What people look for in registries: filters, order, columns and places of a list of records. It can hold personal
-- data, so it never stands in an address, and is sealed. Named lists are kept, the others go after a day.
create table record_list (
  id uuid not null,
  person text not null,
  registry text not null,
  named boolean not null,
  sealed bytea not null,
  used_at timestamptz not null,
  constraint record_list_pkey primary key (id)
);

create index record_list_of_person on record_list (person, registry, used_at);
create index record_list_used on record_list (used_at) where not named;
