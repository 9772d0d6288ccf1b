-- What an applicant asks about a file after it was sent: an appeal, a complaint.
create table file_request (
  id uuid not null,
  file_id uuid not null,
  kind text not null,
  content bytea not null,
  state text not null,
  answer bytea,
  made_at timestamptz not null,
  answered_at timestamptz,
  constraint file_request_pkey primary key (id),
  constraint file_request_state_check check (state in ('open', 'upheld', 'dismissed', 'answered')),
  constraint file_request_file_fkey foreign key (file_id) references application_file (id)
);
create index file_request_file on file_request (file_id, id);
create unique index file_request_open on file_request (file_id, kind) where state = 'open';

-- A task that nobody has to do any more, what it asks for, and who may not do it.
alter table task
  add column form text not null default 'decision',
  add column excluded text[] not null default '{}',
  drop constraint task_state_check,
  add constraint task_state_check check (state in ('unassigned', 'claimed', 'completed', 'withdrawn'));
drop index task_open;
create index task_open on task (service_id, role, created_at) where state in ('unassigned', 'claimed');
