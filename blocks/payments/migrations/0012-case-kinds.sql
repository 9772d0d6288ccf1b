-- The kinds of cases are those of the code; each capability adds its own.
alter table payment_case drop constraint payment_case_kind_check;
alter table payment_case add constraint payment_case_kind_check check (kind ~ '^[a-z]+(-[a-z]+)*$');
