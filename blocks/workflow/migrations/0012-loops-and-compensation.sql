-- A repetition: one run of an activity with a loop marker. Its variables are those around it.
alter table scope drop constraint scope_kind_check;
alter table scope add constraint scope_kind_check
  check (kind in ('process', 'subProcess', 'iteration', 'repetition'));

-- What has been done in a process or sub-process and can be compensated for, in order.
alter table scope add column compensable jsonb not null default '[]';
