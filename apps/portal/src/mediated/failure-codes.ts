/** What the reasons of rails (ISO 20022 codes, and those of mobile money) mean to people. */
const failureCodes: Readonly<Record<string, string>> = {
  AC01: 'accountNotFound',
  PAYEE_NOT_FOUND: 'accountNotFound',
  'not-registered': 'accountNotFound',
  AC04: 'accountClosed',
  PAYEE_INACTIVE: 'accountClosed',
  'payee-inactive': 'accountClosed',
  AC06: 'accountBlocked',
  PAYEE_NOT_ALLOWED_TO_RECEIVE: 'accountBlocked',
  BE01: 'nameMismatch',
  AM02: 'limitExceeded',
  PAYEE_LIMIT_REACHED: 'limitExceeded',
  AM04: 'noFunds',
  NOT_ENOUGH_FUNDS: 'noFunds',
  'address-changed': 'accountChanged',
  AB05: 'timeout',
  AB06: 'timeout',
  AB07: 'timeout',
  AB08: 'timeout',
  TM01: 'timeout',
};

/** Key under `failure.` of the catalogue for a reason. */
export const failureCode = (reason: string): string => failureCodes[reason] ?? 'rejected';
