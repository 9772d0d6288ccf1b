-- Since when a service has offered each kind of request. Before it, no process was begun that could wait for one.
alter table service add column requests_since jsonb not null default '{}';
