-- Of payments, `instruction_once` says the same.
alter table instruction drop constraint instruction_client_key;
create unique index instruction_client_key on instruction (batch_id, client_id) where purpose <> 'payment';

-- Known by their instruction.
alter table instruction_event
  drop constraint instruction_event_pkey,
  add constraint instruction_event_pkey primary key (instruction_id, id);
drop index instruction_event_instruction;
alter table attempt
  drop column id,
  drop constraint attempt_number_key,
  add constraint attempt_pkey primary key (instruction_id, number);

-- Payouts of a run are found by the account they leave.
drop index ledger_transfer_batch;
create index ledger_transfer_batch on ledger_transfer (batch_id) where batch_id is not null and cause <> 'payout';
