-- What a run was about stands in the audit log itself, which has to be enough without the tables beside it (PAY-6.12-g).
create or replace function batch_event_audited() returns trigger language plpgsql as $$
begin
  insert into audit_entry (id, component, action, subject, actor, terminal, detail, correlation_id)
  select
    gen_random_uuid(), 'runs', e.to_state, 'batch/' || e.batch_id, e.actor,
    case when strpos(e.actor, '/') > 0 then split_part(e.actor, ' for ', 1) end,
    jsonb_strip_nulls(jsonb_build_object('from', e.from_state, 'to', e.to_state, 'reason', e.reason) || case e.to_state
      when 'received' then jsonb_build_object(
        'source', b.source_id, 'programme', b.programme_id, 'sourceBatchId', b.client_batch_id,
        'maker', b.maker_person, 'currency', b.currency, 'count', b.instruction_count, 'amount', b.total_amount::text)
      when 'awaiting-approval' then jsonb_build_object(
        'currency', b.currency, 'count', b.valid_count, 'amount', b.valid_amount::text, 'fees', b.fee_amount::text,
        'contentHash', b.content_hash)
      when 'approved' then jsonb_build_object('contentHash', b.content_hash)
      else '{}'::jsonb
    end),
    b.correlation_id
  from new_events e
  join batch b on b.id = e.batch_id
  order by e.id;
  return null;
end $$;
