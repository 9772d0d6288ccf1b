-- A connection keeps the plan it made when the books were small, and would read them whole for every sub-batch as they
-- grow. Whatever the size, transfers and accounts are found by key.
alter function ledger_apply set enable_seqscan = off;
