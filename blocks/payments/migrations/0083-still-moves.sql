-- No index holds what an instruction gets on its way, so that every move stays on the page of its row.

-- How rails call the payments; a payment keeps every name it was given.
create table instruction_reference (
  rail_reference text not null,
  instruction_id uuid not null,
  constraint instruction_reference_pkey primary key (rail_reference, instruction_id)
);
create trigger instruction_reference_instruction after insert on instruction_reference
  referencing new table as new_rows
  for each statement execute function refers_to_kept_row('instruction_id', 'instruction');
create trigger instruction_reference_append_only before update or delete or truncate on instruction_reference
  for each statement execute function ledger_append_only();
insert into instruction_reference (rail_reference, instruction_id)
select rail_reference, id from instruction where rail_reference is not null;
drop index instruction_rail_reference;

-- Payments to customers of an institution are found by their payee.
drop index instruction_version;

alter table receipt drop constraint receipt_instruction_fkey;
create trigger receipt_instruction after insert on receipt
  referencing new table as new_rows
  for each statement execute function refers_to_kept_row('instruction_id', 'instruction');
