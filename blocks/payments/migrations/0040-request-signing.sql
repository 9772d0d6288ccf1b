-- Requests that sources sign: with which keys, whether they must, and what was signed.

create table request_signing (
  source_id text not null,
  required boolean not null,
  keys jsonb not null,
  updated_at timestamptz not null default now(),
  constraint request_signing_pkey primary key (source_id),
  constraint request_signing_source_fkey foreign key (source_id) references source_system (id),
  constraint request_signing_keys_check check (not required or jsonb_array_length(keys) > 0)
);

-- Kept for ever: a signature is good once, and its sender cannot deny it afterwards.
create table signed_request (
  source_id text not null,
  signature_id text not null,
  operation text not null,
  key jsonb not null,
  protected text not null,
  signature text not null,
  body_hash text not null,
  exchange_id text not null,
  received_at timestamptz not null default now(),
  constraint signed_request_pkey primary key (source_id, signature_id),
  constraint signed_request_source_fkey foreign key (source_id) references source_system (id)
);
create trigger signed_request_append_only before update or delete or truncate on signed_request
  for each statement execute function ledger_append_only();
