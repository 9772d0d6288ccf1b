-- A log names registries that are there: they are never deleted once they have records. Checking it at each entry made
-- all writers of a registry share a lock of its row.
alter table change_log drop constraint change_log_registry_fkey;
alter table read_log drop constraint read_log_registry_fkey;
