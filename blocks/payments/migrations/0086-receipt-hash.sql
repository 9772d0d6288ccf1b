-- The same text, and so the same hash, made without building a jsonb first.
create or replace function receipt_hash(
  number bigint, instruction_id uuid, source_id text, programme_id text, batch_id uuid, client_id text, payee_token bytea,
  amount bigint, currency text, narration text, rail_id text, rail_reference text, payer jsonb, paid_at timestamptz
) returns text language sql stable as $$
  select encode(sha256(convert_to(json_build_array(number, instruction_id, source_id, programme_id, batch_id, client_id,
    encode(payee_token, 'hex'), amount, currency, narration, rail_id, rail_reference, payer,
    extract(epoch from paid_at))::text, 'UTF8')), 'hex')
$$;
