/** Households that can be told apart: what fits into the numbers of accounts and telephones that are in use. */
export const mostHouseholds = 80_000_000;

/** Persons that a household can have at most, the deceased included. */
export const mostPersons = 16;

const span = 10_000_000_000n;
const personFactor = 7_389_056_099n;
const personShift = 2_718_281_829n;

/** Ten digits that look random and never repeat: position of a person in a household, scattered over the whole range. */
export function personSerial(household: number, position: number): string {
  const at = BigInt(household) * BigInt(mostPersons) + BigInt(position);
  return String((at * personFactor + personShift) % span).padStart(10, '0');
}

/** Eight digits below 80000000 that look random and never repeat: one for each household and series (a prime below). */
export function householdSerial(household: number, series: 'account' | 'wallet' | 'tax'): string {
  const [factor, shift] =
    series === 'account' ? [31_415_927, 7] : series === 'wallet' ? [27_182_819, 11] : [16_180_339, 13];
  const serial = (BigInt(household) * BigInt(factor) + BigInt(shift)) % BigInt(mostHouseholds);
  return String(serial).padStart(8, '0');
}

/** The same serial moved into the series of closed (8) or never issued (9) numbers. */
export const irregularSerial = (serial: string, first: '8' | '9'): string => first + serial.slice(1);
