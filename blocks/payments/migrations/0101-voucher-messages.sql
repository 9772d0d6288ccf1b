-- Messages with voucher numbers that never arrived are not kept.
update callback set body_cipher = '' where kind = 'voucher-details' and state = 'dead';
