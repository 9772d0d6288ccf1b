import type { Language } from '../languages.ts';

/** Digits of any script as 0–9. */
export const asciiDigits = (text: string): string =>
  text.replaceAll(/\p{Nd}/gu, (digit) => {
    const code = digit.codePointAt(0) as number;
    // Decimal digits stand in runs of ten that begin at a multiple of ten or sixteen.
    let zero = code;
    while (code - zero < 9 && /^\p{Nd}$/u.test(String.fromCodePoint(zero - 1))) zero -= 1;
    return String((code - zero) % 10);
  });

/**
 * A number as people write it (grouped by blanks or separators, decimal comma or point) as a plain decimal.
 * Undefined when it cannot be read in one way only.
 */
export function plainDecimal(written: string, language: Language): string | undefined {
  let text = asciiDigits(written)
    .replaceAll(/[\s\u00a0\u202f'’٬]/g, '')
    .replace('٫', '.')
    .replace('−', '-');
  const comma = text.lastIndexOf(',');
  const point = text.lastIndexOf('.');
  if (comma >= 0 && point >= 0) {
    const group = comma > point ? '.' : ',';
    text = text.replaceAll(group, '').replace(',', '.');
  } else if (comma >= 0) {
    const grouped = /^-?\d{1,3}(,\d{3})+$/.test(text);
    if (grouped && (language === 'en' || text.split(',').length > 2)) text = text.replaceAll(',', '');
    else text = text.replace(',', '.');
  } else if (/^-?\d{1,3}(\.\d{3}){2,}$/.test(text)) {
    text = text.replaceAll('.', '');
  }
  const match = /^(-?)0*(\d+)(?:\.(\d+))?$/.exec(text);
  if (!match) return undefined;
  const [, sign = '', whole = '', fraction] = match;
  return `${sign}${whole}${fraction === undefined ? '' : `.${fraction}`}`;
}

/** Orders two plain decimals without rounding them. */
export function compareDecimals(left: string, right: string): number {
  const [a, b] = [left, right].map((text) => {
    const negative = text.startsWith('-');
    const [whole = '0', fraction = ''] = text.replace('-', '').split('.');
    return { negative, whole, fraction };
  }) as [Decimal, Decimal];
  const digits = Math.max(a.fraction.length, b.fraction.length);
  const scaled = ({ negative, whole, fraction }: Decimal): bigint =>
    BigInt(whole + fraction.padEnd(digits, '0')) * (negative ? -1n : 1n);
  const difference = scaled(a) - scaled(b);
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

interface Decimal {
  readonly negative: boolean;
  readonly whole: string;
  readonly fraction: string;
}
