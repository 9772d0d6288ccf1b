import { remainder97 } from './check-digits.ts';
import { countryCode, phonePrefix } from './republic.ts';

/** Business identifier (ISO 9362) of the bank, at the same time the institution code of its accounts. */
export const bankCode = 'FNBLXLLX';

/** Institution code of the mobile-money provider. */
export const mobileMoneyCode = 'LMMOXLLX';

const bankPart = 'FNBL';

/**
 * Account number of the First National Bank, an IBAN (ISO 13616): country, two check digits, bank, four digits of the
 * branch, eight of the account. XL is user-assigned, so it is never the IBAN of a real account.
 */
export function accountNumber(branch: string, serial: string): string {
  const number = `${bankPart}${branch}${serial}`;
  const check = 98 - remainder97(`${number}${countryCode}00`);
  return `${countryCode}${String(check).padStart(2, '0')}${number}`;
}

export const isAccountNumber = (text: string): boolean =>
  /^XL[0-9]{2}FNBL[0-9]{12}$/.test(text) && remainder97(text.slice(4) + text.slice(0, 4)) === 1;

/** Telephone number of a mobile subscriber in E.164: +999, a seven, eight digits. */
export const mobileNumber = (serial: string): string => `${phonePrefix}7${serial}`;

export const isMobileNumber = (text: string): boolean => /^\+9997[0-9]{8}$/.test(text);

export type Standing = 'open' | 'closed' | 'unknown';

/**
 * What became of an account or wallet, by the first digit of its eight-digit serial: 8 was closed, 9 was never issued.
 * The bank and the mobile-money provider follow this rule for every number nobody told them about, so that a
 * population of any size can be paid without loading its accounts first.
 */
export function standingOf(number: string): Standing {
  if (!isAccountNumber(number) && !isMobileNumber(number)) return 'unknown';
  const first = number.at(-8);
  return first === '8' ? 'closed' : first === '9' ? 'unknown' : 'open';
}
