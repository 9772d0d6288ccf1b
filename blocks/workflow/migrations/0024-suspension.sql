-- A suspended instance does not move: its jobs keep when they were due, and what came for it is kept in order.
alter table instance add column suspended_at timestamptz;
alter table job add column resumes_at timestamptz;
create table kept_event (
  id bigint generated always as identity,
  instance_id uuid not null,
  job_id uuid,
  event jsonb not null,
  constraint kept_event_pkey primary key (id),
  constraint kept_event_instance_fkey foreign key (instance_id) references instance (id) on delete cascade
);
create index kept_event_instance on kept_event (instance_id, id);

-- When an instance exceeded the duration that its process allows.
alter table instance add column overdue_at timestamptz;
alter table job drop constraint job_kind_check;
alter table job add constraint job_kind_check check (kind in ('call', 'timer', 'return', 'stop', 'overdue'));
