-- A voucher that was paid out counts for that day, also when the money came back later.
drop index voucher_redemption_paid;
create index voucher_redemption_paid on voucher_redemption (answered_at) where state in ('succeeded', 'returned');
