/** Digits of the minor unit of a currency. Codes that ISO 4217 does not know have two. */
export function exponentOf(currency: string): number {
  return (
    new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions().maximumFractionDigits ?? 2
  );
}

/** Decimal text as minor units, or undefined when it has more decimals than the currency or is no amount. */
export function toMinor(text: string, currency: string): bigint | undefined {
  const exponent = exponentOf(currency);
  const match = /^([0-9]{1,16})(?:\.([0-9]{1,8}))?$/.exec(text);
  if (!match) return undefined;
  const [, whole = '', decimals = ''] = match;
  if (/[1-9]/.test(decimals.slice(exponent))) return undefined;
  return BigInt(whole + decimals.slice(0, exponent).padEnd(exponent, '0'));
}

/** Minor units as decimal text with all decimals of the currency. */
export function toDecimal(minor: bigint, currency: string): string {
  const exponent = exponentOf(currency);
  const sign = minor < 0n ? '-' : '';
  const digits = (minor < 0n ? -minor : minor).toString().padStart(exponent + 1, '0');
  return exponent === 0
    ? `${sign}${digits}`
    : `${sign}${digits.slice(0, -exponent)}.${digits.slice(-exponent)}`;
}
