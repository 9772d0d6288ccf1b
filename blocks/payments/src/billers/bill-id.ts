export type BillIdCheck = 'none' | 'luhn' | 'mod97';

/** Luhn check digit (ISO/IEC 7812-1): every second digit from the right doubled, the sum a multiple of ten. */
function passesLuhn(digits: string): boolean {
  let sum = 0;
  for (let at = digits.length - 1, second = false; at >= 0; at -= 1, second = !second) {
    const digit = Number(digits[at]) * (second ? 2 : 1);
    sum += digit > 9 ? digit - 9 : digit;
  }
  return sum % 10 === 0;
}

/** ISO 7064 MOD 97-10: two check digits at the end. */
const passesMod97 = (digits: string): boolean => BigInt(digits) % 97n === 1n;

/** What is wrong with a bill id, in words for the caller; undefined: nothing that can be seen without its biller. */
export function faultOfBillId(
  billId: string,
  biller: {
    readonly prefix: string;
    readonly bill_id_length: number;
    readonly bill_id_check: BillIdCheck;
  },
): string | undefined {
  if (billId.length !== biller.bill_id_length)
    return `a bill id of this biller has ${biller.bill_id_length} characters`;
  if (biller.bill_id_check === 'none') return undefined;
  const own = billId.slice(biller.prefix.length);
  const passes = biller.bill_id_check === 'luhn' ? passesLuhn : passesMod97;
  return /^[0-9]+$/.test(own) && passes(own) ? undefined : 'the check digits of the bill id are not right';
}
