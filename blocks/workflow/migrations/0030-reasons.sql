-- Why an operator did what the row tells.
alter table history add column reason text;
