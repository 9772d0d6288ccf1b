alter table user_task add column follow_up_at timestamptz;
create index user_task_due on user_task (agency, due_at) where state = 'open' and due_at is not null;

create table task_comment (
  id uuid not null,
  task_id uuid not null,
  instance_id uuid not null,
  author text not null,
  organisation text not null,
  text text not null,
  at timestamptz not null,
  constraint task_comment_pkey primary key (id),
  constraint task_comment_task_fkey foreign key (task_id) references user_task (id)
);
create index task_comment_task on task_comment (task_id, id);
create index task_comment_instance on task_comment (instance_id);
