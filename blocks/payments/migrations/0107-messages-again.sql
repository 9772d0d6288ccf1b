-- A message that was given up may be sent again, from then on for as long as a new one.
alter table callback add column resent_at timestamptz;
