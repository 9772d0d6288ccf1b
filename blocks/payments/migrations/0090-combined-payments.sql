-- Payments of a run to one payee may leave as one transfer, under the id of the first of them, and a run may leave in
-- steps. A run keeps what its programme said when it was handed over.
alter table programme
  add column combine_payments boolean not null default false,
  add column stagger_payees integer,
  add column stagger_seconds integer,
  add constraint programme_stagger_check check (
    (stagger_payees is null and stagger_seconds is null) or (stagger_payees > 0 and stagger_seconds > 0));
alter table batch
  add column combine_payments boolean not null default false,
  add column stagger_payees integer,
  add column stagger_seconds integer,
  add constraint batch_stagger_check check (
    (stagger_payees is null and stagger_seconds is null) or (stagger_payees > 0 and stagger_seconds > 0));

-- The first of the combined payments is in here, too, led by itself.
create table combined_instruction (
  instruction_id uuid not null,
  leader_id uuid not null,
  constraint combined_instruction_pkey primary key (instruction_id)
);
create index combined_instruction_leader on combined_instruction (leader_id);
create trigger combined_instruction_references after insert on combined_instruction
  referencing new table as new_rows
  for each statement execute function refers_to_kept_row(
    'instruction_id', 'instruction', 'leader_id', 'instruction');
create trigger combined_instruction_append_only before update or delete or truncate on combined_instruction
  for each statement execute function ledger_append_only();

-- Payments as rails and banks see them: combined ones are one, with the sum.
create view carried_payment as
select
  i.id, i.batch_id, i.sub_batch_id, i.purpose, i.version_id, i.rail_id, i.rail_reference, i.currency, i.state,
  i.reason_code,
  coalesce(c.amount, i.amount) as amount,
  coalesce(c.fee, i.fee) as fee
from instruction i
left join lateral (
  select sum(m.amount)::bigint as amount, sum(m.fee)::bigint as fee
  from combined_instruction k
  join instruction m on m.id = k.instruction_id
  where k.leader_id = i.id
) c on true
where not exists (
  select from combined_instruction k where k.instruction_id = i.id and k.leader_id <> i.id
);
