-- Why a connection was defined, changed or removed, and whether its secret is another since.
alter table connection_log add column reason text;
alter table connection_log add column secret_changed boolean not null default false;
