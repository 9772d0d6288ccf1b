import { checkDigit } from './check-digits.ts';

/** Eleven digits: ten without meaning, one to check. */
export const nationalNumberPattern = '^[0-9]{11}$';

/** Makes a national number of ten digits. */
export const nationalNumber = (serial: string): string => serial + checkDigit(serial);

export const isNationalNumber = (text: string): boolean =>
  /^[0-9]{11}$/.test(text) && checkDigit(text.slice(0, 10)) === text[10];

/** Number of a taxpayer: `T`, eight digits, one to check. */
export const taxpayerNumber = (serial: string): string => `T${serial}${checkDigit(serial)}`;
