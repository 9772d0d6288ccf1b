-- What proves that a person decided on a run: their access token, and this block's signature over both (PAY-5.3.4-e).
create table approval_signature (
  batch_id uuid not null,
  token_hash text not null,
  token_cipher bytea not null,
  claims jsonb not null,
  -- JWS in compact form; its payload names run, content, decision, person, exchange and the token's hash.
  signature text not null,
  at timestamptz not null default now(),
  constraint approval_signature_pkey primary key (batch_id),
  constraint approval_signature_approval_fkey foreign key (batch_id) references approval (batch_id)
);
create trigger approval_signature_append_only before update or delete or truncate on approval_signature
  for each statement execute function ledger_append_only();
