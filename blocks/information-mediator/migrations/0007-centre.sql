-- Security servers of the instance, kept by its centre.
create table security_server (
  id text not null,
  address text not null,
  -- SHA-256 of registered authentication certificates, lower-case hex.
  certificates text[] not null,
  clients text[] not null,
  maintenance text,
  constraint security_server_pkey primary key (id),
  constraint security_server_id_check check (id ~ '^([^/]+/){3}[^/]+$')
);

-- What the centre last published, so that the version rises with every change of content and only then.
create table published_configuration (
  instance text not null,
  version bigint not null,
  content text not null,
  constraint published_configuration_pkey primary key (instance)
);

-- Configurations received from a centre elsewhere: they outlive a restart while that centre is away.
create table received_configuration (
  instance text not null,
  version bigint not null,
  document text not null,
  received_at timestamptz not null default now(),
  constraint received_configuration_pkey primary key (instance)
);

-- Applications of other servers may hold rights; whether one exists is checked when the right is given.
alter table access_right drop constraint if exists access_right_subject_fkey;
