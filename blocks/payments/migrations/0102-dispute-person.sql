-- Whoever opened a dispute is the same person through any application; the names of applications have no spaces.
alter table dispute
  add column opened_by_person text generated always as (
    case when strpos(opened_by, ' for ') > 0 then substr(opened_by, strpos(opened_by, ' for ') + 5) end
  ) stored;
create index dispute_person on dispute (opened_by_person, id desc) where opened_by_person is not null;
