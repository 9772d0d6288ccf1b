-- Statements tell of vouchers paid out by the rail's reference, too.
create index voucher_redemption_rail_reference on voucher_redemption (rail_reference)
  where rail_reference is not null;
