/** An amount that cannot be taken: what is wrong, in words for the caller. */
export class BadAmount extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = 'BadAmount';
  }
}

/** Largest amount of one payment in minor units. */
const largest = 10n ** 15n;

/**
 * Largest sum in minor units: of a run, a release, a limit, a balance or movement of a bank account. An account counts
 * all that ever came and went in 64 bits, which hold ninety of these.
 */
export const largestTotal = 10n ** 17n;

/**
 * Reads an amount as exact minor units. Text is decimal without sign, exponent or separators; a JSON number is taken
 * only if it has at most 15 significant digits, so that nothing was lost on the way. `most` is `largestTotal` for what is
 * not one payment. Throws `BadAmount`.
 */
export function parseAmount(value: string | number, exponent: number, most = largest): bigint {
  const text = typeof value === 'number' ? String(value) : value;
  const match = /^(0|[1-9][0-9]{0,17})(?:\.([0-9]{1,8}))?$/.exec(text);
  if (!match) throw new BadAmount('must be a positive decimal such as "125.50"');
  const [, whole = '', fraction = ''] = match;
  if (typeof value === 'number' && whole.length + fraction.length > 15) {
    throw new BadAmount('has too many digits for a JSON number; send it as text');
  }
  if (fraction.length > exponent && /[1-9]/.test(fraction.slice(exponent))) {
    throw new BadAmount(`has more decimals than the currency's ${exponent}`);
  }
  const minor = BigInt(whole + fraction.slice(0, exponent).padEnd(exponent, '0'));
  if (minor === 0n) throw new BadAmount('must be more than zero');
  if (minor > most) throw new BadAmount('is larger than any amount taken here');
  return minor;
}

/** Minor units as the decimal text of the wire, always with the currency's full number of decimals. */
export function formatAmount(minor: bigint | string, exponent: number): string {
  const value = BigInt(minor);
  const digits = (value < 0n ? -value : value).toString().padStart(exponent + 1, '0');
  const sign = value < 0n ? '-' : '';
  if (exponent === 0) return sign + digits;
  return `${sign}${digits.slice(0, -exponent)}.${digits.slice(-exponent)}`;
}
