-- Groups of applications that hold rights together (x-road.md 4): global ones kept for the instance
-- (INSTANCE/GLOBALGROUP/CODE), local ones by a provider application (APPLICATION/LOCALGROUP/CODE).
create table access_group (
  id text not null,
  description text not null,
  constraint access_group_pkey primary key (id),
  constraint access_group_id_check
    check (id ~ '^[^/]+/GLOBALGROUP/[^/]+$' or id ~ '^([^/]+/){4}LOCALGROUP/[^/]+$')
);

create table group_member (
  group_id text not null,
  application text not null,
  constraint group_member_pkey primary key (group_id, application),
  constraint group_member_group_fkey foreign key (group_id) references access_group (id) on delete cascade
);
create index group_member_application on group_member (application);

-- Endpoints of a service that are switched off, with what their callers are told (IM-6.2-d).
create table disabled_endpoint (
  service_id text not null,
  method text not null,
  path text not null,
  notice text not null,
  constraint disabled_endpoint_pkey primary key (service_id, method, path),
  constraint disabled_endpoint_service_fkey foreign key (service_id) references service (id) on delete cascade
);
