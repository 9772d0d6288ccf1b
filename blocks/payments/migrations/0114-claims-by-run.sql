-- What waits for a rail is found by its run, in the order in which it waits.
create index sub_batch_queue on sub_batch (rail_id, batch_id, next_at, position) where state = 'queued';
drop index sub_batch_work;
drop index sub_batch_turn;
