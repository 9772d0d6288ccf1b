-- The lines of a statement are looked at debits first.
drop index statement_line_work;
create index statement_line_work on statement_line (statement_id, direction desc, position) where class is null;
