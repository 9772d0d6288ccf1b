-- Vouchers paid out to merchants count for the business day on which their rail confirmed them.
create index voucher_redemption_paid on voucher_redemption (answered_at) where state = 'succeeded';
