-- A decided file gives up its place among the open ones.
create index open_application_file on open_application (file_id);
