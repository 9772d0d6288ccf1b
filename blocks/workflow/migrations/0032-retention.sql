-- How long ended instances of a process are kept, in days; without a row for ever.
create table retention (
  owner text not null,
  process_key text not null,
  days integer not null,
  constraint retention_pkey primary key (owner, process_key),
  constraint retention_days_check check (days between 1 and 36500)
);
create index instance_ended on instance (owner, process_key, ended_at) where ended_at is not null;
create index message_delivered on message (delivered_to) where delivered_to is not null;

-- What was decided about instances as data, and what was removed: who, when, why.
create table change_log (
  id bigint generated always as identity,
  owner text not null,
  process_key text not null,
  instance_id uuid,
  action text not null,
  detail text not null,
  reason text,
  at timestamptz not null,
  application text not null,
  actor text not null,
  organisation text not null,
  constraint change_log_pkey primary key (id),
  constraint change_log_action_check check (action in ('retention-set', 'instances-removed', 'variables-erased'))
);
create index change_log_owner on change_log (owner, id);

create trigger change_log_append_only
  before update or delete on change_log
  for each row execute function refuse_change();

-- History goes with its instance, and not before.
create function refuse_history_change() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' and not exists (select 1 from instance where instance.id = old.instance_id) then
    return old;
  end if;
  raise exception 'history is only added to';
end
$$;

drop trigger history_append_only on history;
create trigger history_append_only
  before update or delete on history
  for each row execute function refuse_history_change();
