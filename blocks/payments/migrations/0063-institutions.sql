-- Institutions where payees have their accounts, entitled to look at and process payments of their own customers only.

create table institution (
  -- As in the mapper: the code of the institution that holds an account.
  code text not null,
  name text not null,
  -- Member (INSTANCE/CLASS/MEMBER) whose officers and applications act for it.
  member text not null,
  active boolean not null default true,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint institution_pkey primary key (code)
);
create index mapper_version_institution on mapper_version (institution_code) where institution_code is not null;
create index instruction_version on instruction (version_id) where version_id is not null;

-- Results that an institution has reported by hand; the same upload again changes nothing.
create table institution_upload (
  institution_code text not null,
  upload_id text not null,
  content_hash text not null,
  results integer not null,
  actor text not null,
  at timestamptz not null default now(),
  constraint institution_upload_pkey primary key (institution_code, upload_id),
  constraint institution_upload_institution_fkey foreign key (institution_code) references institution (code)
);
create trigger institution_upload_append_only before update or delete or truncate on institution_upload
  for each statement execute function ledger_append_only();
