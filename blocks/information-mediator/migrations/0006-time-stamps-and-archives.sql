-- The signing time that a signature states; null: signed in the form that names the root alone.
alter table message_log add column signed_at timestamptz;
