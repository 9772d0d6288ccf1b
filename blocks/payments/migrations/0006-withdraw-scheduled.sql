-- An authorised run may wait long for its time (PAY-5.3.1-h). Nothing of it has left: it can be withdrawn.
insert into batch_move (from_state, to_state) values ('authorised', 'cancelled');
