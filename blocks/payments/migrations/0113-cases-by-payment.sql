-- Whether a rail or a statement contradicts a payment is asked before it is paid anew.
create index payment_case_instruction on payment_case (instruction_id) where instruction_id is not null;
create index statement_line_pair on statement_line (pair_id) where pair_id is not null;
