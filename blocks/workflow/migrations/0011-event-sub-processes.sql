-- What the event sub-processes of a process or sub-process wait for while it runs.
alter table scope add column subscriptions jsonb not null default '[]';
