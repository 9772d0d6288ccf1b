create table person (
  id uuid not null,
  status text not null default 'active',
  attributes bytea not null,
  created_at timestamptz not null default now(),
  constraint person_pkey primary key (id),
  constraint person_status_check check (status in ('active', 'inactive', 'blocked', 'deceased'))
);

-- Ways to name a person (national number, login name, e-mail), found by keyed hash only.
create table alias (
  kind text not null,
  value_hash bytea not null,
  person_id uuid not null,
  constraint alias_pkey primary key (kind, value_hash),
  constraint alias_person_fkey foreign key (person_id) references person (id)
);
create index alias_person on alias (person_id);

create table credential (
  person_id uuid not null,
  kind text not null,
  verifier text not null,
  failures integer not null default 0,
  locked_until timestamptz,
  constraint credential_pkey primary key (person_id, kind),
  constraint credential_person_fkey foreign key (person_id) references person (id),
  constraint credential_kind_check check (kind in ('pin'))
);

create table appointment (
  person_id uuid not null,
  agency text not null,
  role text not null,
  constraint appointment_pkey primary key (person_id, agency, role),
  constraint appointment_person_fkey foreign key (person_id) references person (id)
);

-- One-click sign-in of the demonstration country; empty everywhere else.
create table persona (
  person_id uuid not null,
  label jsonb not null,
  position integer not null,
  constraint persona_pkey primary key (person_id),
  constraint persona_person_fkey foreign key (person_id) references person (id)
);

create table oidc_client (
  client_id text not null,
  relying_party_id text not null,
  metadata jsonb not null,
  status text not null,
  constraint oidc_client_pkey primary key (client_id),
  constraint oidc_client_status_check check (status in ('active', 'inactive'))
);

create table oidc_model (
  model text not null,
  id_hash text not null,
  payload bytea not null,
  grant_id text,
  uid text,
  user_code text,
  consumed_at timestamptz,
  expires_at timestamptz,
  constraint oidc_model_pkey primary key (model, id_hash)
);
create index oidc_model_grant on oidc_model (grant_id) where grant_id is not null;
create index oidc_model_uid on oidc_model (uid) where uid is not null;
create index oidc_model_expiry on oidc_model (expires_at);

create table signing_key (
  kid text not null,
  sealed bytea not null,
  created_at timestamptz not null default now(),
  constraint signing_key_pkey primary key (kid)
);
