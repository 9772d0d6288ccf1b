/** Roles of those who keep keys, of data and of vouchers’ numbers, and administer nothing else. */
export const custodianRoles: readonly string[] = ['key-custodian', 'voucher-key-custodian'];

/** Role with which people of an institution look after payments of its customers. */
export const institutionRole = 'fsp-officer';

/** Who may open the console of payments. What they see and may do there is decided by the payments block. */
export const treasuryRoles: readonly string[] = [
  'payment-approver',
  'programme-manager',
  'administrator',
  'auditor',
  'treasury-officer',
  'voucher-administrator',
  'biller-manager',
  ...custodianRoles,
  institutionRole,
];

/** Roles with which people take runs further; others only look on. */
export const managingRoles: readonly string[] = ['payment-approver', 'programme-manager', 'administrator'];

/** Roles with which people see runs. */
export const overseerRoles: readonly string[] = [...managingRoles, 'auditor'];

/** Roles with which people look at vouchers, or administer them. */
export const voucherRoles: readonly string[] = [
  'voucher-administrator',
  'programme-manager',
  'administrator',
  'auditor',
];

/** Roles with which people look after billers. */
export const billerRoles: readonly string[] = [
  'biller-manager',
  'payment-approver',
  'administrator',
  'auditor',
];
