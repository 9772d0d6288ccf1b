-- Messages go to billers and payer institutions too, with headers of their own. Order is kept per recipient and target.
alter table callback alter column source_id drop not null;
alter table callback add column party text;
alter table callback add column headers jsonb;
alter table callback
  add column recipient text generated always as (coalesce('source/' || source_id, party)) stored,
  add constraint callback_recipient_check check ((source_id is null) <> (party is null));
drop index callback_waiting;
create index callback_waiting on callback (recipient, id) where state = 'waiting';
