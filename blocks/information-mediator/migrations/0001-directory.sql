-- Who exists in the instance, what they offer, and who may use it.
-- Identifiers are those of the protocol: INSTANCE/CLASS/MEMBER[/APPLICATION[/SERVICE]].

create table instance (
  code text not null,
  title text not null,
  constraint instance_pkey primary key (code)
);

create table member (
  id text not null,
  instance_code text not null,
  name text not null,
  created_at timestamptz not null default now(),
  constraint member_pkey primary key (id),
  constraint member_instance_fkey foreign key (instance_code) references instance (code),
  constraint member_id_check check (id ~ '^[^/]+/[^/]+/[^/]+$' and split_part(id, '/', 1) = instance_code)
);

create table application (
  id text not null,
  member_id text not null,
  name text not null,
  status text not null default 'registered',
  -- Verifies client assertions; an application without one is reachable only inside a node.
  public_key jsonb,
  -- Applications that may act for this one.
  operators text[] not null default '{}',
  created_at timestamptz not null default now(),
  constraint application_pkey primary key (id),
  constraint application_member_fkey foreign key (member_id) references member (id),
  constraint application_id_check check (id ~ '^([^/]+/){3}[^/]+$' and starts_with(id, member_id || '/')),
  constraint application_status_check check (status in ('registered', 'disabled'))
);

create table service (
  id text not null,
  application_id text not null,
  title text not null,
  target text not null,
  -- The service description, when it is not fetched from the provider.
  openapi jsonb,
  timeout_ms integer not null default 30000,
  enabled boolean not null default true,
  notice text,
  created_at timestamptz not null default now(),
  constraint service_pkey primary key (id),
  constraint service_application_fkey foreign key (application_id) references application (id),
  constraint service_id_check check (id ~ '^([^/]+/){4}[^/]+$' and starts_with(id, application_id || '/')),
  constraint service_timeout_check check (timeout_ms between 100 and 600000)
);

-- A right to a whole service is method `*`, path `**`; anything else is a right to some of its endpoints.
create table access_right (
  service_id text not null,
  subject text not null,
  method text not null,
  path text not null,
  granted_by text not null,
  granted_at timestamptz not null default now(),
  constraint access_right_pkey primary key (service_id, subject, method, path),
  constraint access_right_service_fkey foreign key (service_id) references service (id),
  constraint access_right_subject_fkey foreign key (subject) references application (id)
);
create index access_right_subject on access_right (subject, service_id);

-- Raised by every change, so that nodes notice one with a single cheap read.
create table directory_version (
  one boolean not null default true,
  version bigint not null,
  constraint directory_version_pkey primary key (one),
  constraint directory_version_one_check check (one)
);
insert into directory_version (version) values (0);

-- Client assertions that were used, until they expire: each counts once, on whichever node.
create table spent_assertion (
  digest bytea not null,
  expires_at timestamptz not null,
  constraint spent_assertion_pkey primary key (digest)
);
create index spent_assertion_expiry on spent_assertion (expires_at);
