create table service (
  id uuid not null,
  code text not null,
  owner text not null,
  definition jsonb not null,
  version integer not null,
  active boolean not null default true,
  constraint service_pkey primary key (id),
  constraint service_code_key unique (code)
);

create table eform (
  id uuid not null,
  service_id uuid not null,
  name text not null,
  version text not null,
  document jsonb not null,
  latest boolean not null,
  constraint eform_pkey primary key (id),
  constraint eform_version_key unique (service_id, name, version),
  constraint eform_service_fkey foreign key (service_id) references service (id)
);
create unique index eform_latest on eform (service_id, name) where latest;

create table draft (
  service_id uuid not null,
  applicant text not null,
  eform_id uuid not null,
  data bytea not null,
  saved_at timestamptz not null,
  constraint draft_pkey primary key (service_id, applicant),
  constraint draft_service_fkey foreign key (service_id) references service (id),
  constraint draft_eform_fkey foreign key (eform_id) references eform (id)
);

create table application_file (
  id uuid not null,
  reference text not null,
  service_id uuid not null,
  eform_id uuid not null,
  applicant text not null,
  submitted_by text not null,
  assisted boolean not null,
  data bytea not null,
  consent_record_id text,
  status text not null,
  outcome bytea,
  correlation_id text not null,
  registered_at timestamptz not null,
  ended_at timestamptz,
  constraint application_file_pkey primary key (id),
  constraint application_file_reference_key unique (reference),
  constraint application_file_status_check check (status in ('PENDING', 'SENDBACK', 'APPROVED', 'REJECTED')),
  constraint application_file_service_fkey foreign key (service_id) references service (id),
  constraint application_file_eform_fkey foreign key (eform_id) references eform (id)
);
create index application_file_applicant on application_file (applicant, registered_at);
create index application_file_service on application_file (service_id, registered_at);

-- One application at a time of the same applicant to a service that says so.
create table open_application (
  service_id uuid not null,
  applicant text not null,
  file_id uuid not null,
  constraint open_application_pkey primary key (service_id, applicant),
  constraint open_application_file_fkey foreign key (file_id) references application_file (id)
);

create table file_event (
  id uuid not null,
  file_id uuid not null,
  at timestamptz not null,
  kind text not null,
  actor text not null,
  note jsonb,
  constraint file_event_pkey primary key (id),
  constraint file_event_file_fkey foreign key (file_id) references application_file (id)
);
create index file_event_file on file_event (file_id, id);

create table task (
  id text not null,
  file_id uuid not null,
  service_id uuid not null,
  name text not null,
  role text not null,
  variables bytea not null,
  state text not null,
  assignee text,
  decision jsonb,
  created_at timestamptz not null,
  completed_at timestamptz,
  constraint task_pkey primary key (id),
  constraint task_state_check check (state in ('unassigned', 'claimed', 'completed')),
  constraint task_file_fkey foreign key (file_id) references application_file (id),
  constraint task_service_fkey foreign key (service_id) references service (id)
);
create index task_open on task (service_id, role, created_at) where state <> 'completed';
create index task_file on task (file_id);
