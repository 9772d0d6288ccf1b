-- Persons of an agency and their roles in workflow, as the agency's IAM system provisions them. A person that is
-- removed there stays here, without anything but the identifier: their token gives no rights any more.
create table provisioned_user (
  id uuid not null,
  agency text not null,
  -- Subject of the identity block.
  user_name text not null,
  external_id text,
  active boolean not null,
  -- Names and addresses, sealed.
  profile bytea not null,
  revision integer not null,
  created_at timestamptz not null,
  changed_at timestamptz not null,
  removed_at timestamptz,
  constraint provisioned_user_pkey primary key (id),
  constraint provisioned_user_removed_check check (removed_at is null or not active)
);
create unique index provisioned_user_name on provisioned_user (agency, lower(user_name));
create index provisioned_user_listed on provisioned_user (agency, id) where removed_at is null;
create index provisioned_user_external on provisioned_user (agency, external_id) where external_id is not null;

create table provisioned_role (
  id uuid not null,
  agency text not null,
  name text not null,
  external_id text,
  revision integer not null,
  created_at timestamptz not null,
  changed_at timestamptz not null,
  constraint provisioned_role_pkey primary key (id)
);
create unique index provisioned_role_name on provisioned_role (agency, lower(name));
create index provisioned_role_listed on provisioned_role (agency, id);

create table provisioned_membership (
  role_id uuid not null,
  user_id uuid not null,
  constraint provisioned_membership_pkey primary key (role_id, user_id),
  constraint provisioned_membership_role_fkey foreign key (role_id) references provisioned_role (id) on delete cascade,
  constraint provisioned_membership_user_fkey foreign key (user_id) references provisioned_user (id)
);
create index provisioned_membership_user on provisioned_membership (user_id);

-- Of provisioning too the log of changes tells who did what. Which actions there are is said where they are written.
alter table change_log alter column process_key drop not null;
alter table change_log drop constraint change_log_action_check;
create index user_task_assignee on user_task (agency, assignee) where state = 'open' and assignee is not null;
