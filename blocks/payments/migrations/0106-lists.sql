-- Institutions see the payments of vouchers to their customers.
create index voucher_redemption_institution on voucher_redemption (institution_code, id)
  where institution_code is not null;
-- Accounts behind aliases are sealed anew in the order of their tokens.
create index payer_alias_token on payer_alias (alias_token);
-- How many vouchers a key finds is counted up to a limit.
create index voucher_key_use on voucher (key_id);
