import { type CountryCode, parsePhoneNumberFromString } from 'libphonenumber-js';

/** How a payee wants to be paid (official codes). */
export const modalities = ['00', '01', '02', '03', '04'] as const;
export type Modality = (typeof modalities)[number];

const isIban = (text: string): boolean => {
  if (!/^[A-Z]{2}[0-9]{2}[A-Z0-9]{8,30}$/.test(text)) return false;
  let remainder = 0;
  for (const character of text.slice(4) + text.slice(0, 4)) {
    const value = Number.parseInt(character, 36);
    remainder = (value > 9 ? remainder * 100 + value : remainder * 10 + value) % 97;
  }
  return remainder === 1;
};

/** A national phone number as an international one; what is no such number stays as it is. */
const national = (digits: string, country: string): string => {
  const number = parsePhoneNumberFromString(digits, country as CountryCode);
  return number?.isPossible() ? number.number : digits;
};

/**
 * A financial address in the form its modality needs, blanks and separators taken out (PAY-6.9-h), or what is wrong
 * with it: bank accounts (00) as IBAN with valid check digits or a plain account number, wallets (01, 03) as E.164
 * number, proxies (04) as given. Vouchers (02) have none. A phone number without country is one of `phoneCountry`.
 */
export function normaliseAddress(
  modality: Modality,
  address: string | undefined,
  phoneCountry = '',
): { readonly address: string | undefined } | { readonly fault: string } {
  if (modality === '02') return { address: undefined };
  if (address === undefined || address.trim() === '') return { fault: 'financialAddress is missing' };
  const plain = address.replaceAll(/[\s.()-]/g, '').toUpperCase();
  if (modality === '04') return { address: address.trim() };
  if (modality === '00') {
    if (/^[A-Z]{2}[0-9]{2}/.test(plain))
      return isIban(plain) ? { address: plain } : { fault: 'financialAddress is not a valid IBAN' };
    return /^[0-9]{4,30}$/.test(plain)
      ? { address: plain }
      : { fault: 'financialAddress is not an account number' };
  }
  const number = plain.startsWith('+') || phoneCountry === '' ? plain : national(plain, phoneCountry);
  return /^\+[1-9][0-9]{6,14}$/.test(number)
    ? { address: number }
    : { fault: 'financialAddress is not an E.164 number such as +99970000000' };
}
