-- Instances that another instance has begun. `depth`: how many stand above this one.
alter table instance add column parent_instance_id uuid;
alter table instance add column parent_token_id uuid;
alter table instance add column depth integer not null default 0;
create index instance_parent on instance (parent_instance_id) where parent_instance_id is not null;

-- A return tells the caller that the called instance (the id of the job) has ended; a stop ends a called instance.
alter table job drop constraint job_kind_check;
alter table job add constraint job_kind_check check (kind in ('call', 'timer', 'return', 'stop'));
