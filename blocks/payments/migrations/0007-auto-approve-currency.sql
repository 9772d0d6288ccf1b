-- A limit means nothing without its currency. One set before says none: it is dropped, and a person approves again.
update source_system set auto_approve_limit = null;
alter table source_system
  add column auto_approve_currency text,
  add constraint source_system_auto_approve_check
    check ((auto_approve_limit is null) = (auto_approve_currency is null));
