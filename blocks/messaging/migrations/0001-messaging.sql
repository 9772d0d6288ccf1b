create table template (
  owner text not null,
  code text not null,
  version integer not null,
  channels jsonb not null,
  created_at timestamptz not null default now(),
  constraint template_pkey primary key (owner, code, version)
);

-- Requests as accepted. Contact and text lie sealed under a key of their own; dropping the key erases them.
create table message (
  id uuid not null,
  client text not null,
  reference text,
  channel text not null,
  priority smallint not null,
  sealed bytea not null,
  correlation_id text not null,
  accepted_at timestamptz not null,
  expires_at timestamptz not null,
  constraint message_pkey primary key (id),
  constraint message_channel_check check (channel in ('email', 'sms'))
);
create index message_reference on message (client, reference, accepted_at);

create table message_key (
  message_id uuid not null,
  wrapped_key bytea not null,
  constraint message_key_pkey primary key (message_id),
  constraint message_key_message_fkey foreign key (message_id) references message (id)
);

-- What happened to a message, in order; its state is the last entry.
create table message_event (
  id uuid not null,
  message_id uuid not null,
  at timestamptz not null,
  state text not null,
  code text,
  provider_reference text,
  constraint message_event_pkey primary key (id),
  constraint message_event_message_fkey foreign key (message_id) references message (id),
  constraint message_event_state_check check (state in ('pending', 'queued', 'sent', 'delivered', 'errored', 'failed'))
);
create index message_event_message on message_event (message_id, id);

create function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception 'messages and their events are append-only';
end $$;
create trigger message_append_only before update or delete or truncate on message
  for each statement execute function refuse_change();
create trigger message_event_append_only before update or delete or truncate on message_event
  for each statement execute function refuse_change();

-- Work waiting to be done; rows come and go.
create table delivery_queue (
  message_id uuid not null,
  purpose text not null,
  priority smallint not null,
  due_at timestamptz not null,
  attempts integer not null default 0,
  constraint delivery_queue_pkey primary key (message_id),
  constraint delivery_queue_purpose_check check (purpose in ('send', 'receipt')),
  constraint delivery_queue_message_fkey foreign key (message_id) references message (id)
);
create index delivery_queue_due on delivery_queue (priority, due_at);
