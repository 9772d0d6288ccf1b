import type { Text } from './text.ts';

/** X-Road instance of the country. */
export const instance = 'LUMORA';

export const countryName: Text = {
  en: 'Republic of Lumora',
  fr: 'République de Lumora',
  ar: 'جمهورية لومورا',
};

/**
 * The Lumora dinar of 100 centimes. ISO 4217 has no code for a country that does not exist: software that knows only
 * ISO 4217 must be told this one. Codes that begin with X belong to no country.
 */
export const currency = {
  code: 'XLD',
  exponent: 2,
  name: { en: 'Lumora dinar', fr: 'dinar lumorien', ar: 'دينار لومورا' } satisfies Text,
} as const;

/** E.164 country code: 999 is reserved by the ITU, so that no number here can ever ring. */
export const phonePrefix = '+999';

/** ISO 3166-1 alpha-2 as used in account numbers: XL is user-assigned, it never becomes a country. */
export const countryCode = 'XL';

/** Day for which the synthetic population is drawn: ages and survey answers hold on it. */
export const censusDay = '2026-01-01';
