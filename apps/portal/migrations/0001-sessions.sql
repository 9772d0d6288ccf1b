-- Sessions of signed-in people. The cookie holds a random value; only its hash is kept, and the tokens are sealed.
create table session (
  id_hash bytea not null,
  sealed bytea not null,
  created_at timestamptz not null default now(),
  seen_at timestamptz not null default now(),
  expires_at timestamptz not null,
  constraint session_pkey primary key (id_hash),
  constraint session_id_hash_size check (octet_length(id_hash) = 32)
);

create index session_expires_at on session (expires_at);
