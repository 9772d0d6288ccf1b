/** Check digit of a string of decimal digits after ISO/IEC 7064 MOD 11,10: catches every wrong and swapped digit but 10 %. */
export function checkDigit(digits: string): string {
  let product = 10;
  for (const digit of digits) {
    const sum = (Number(digit) + product) % 10;
    product = ((sum === 0 ? 10 : sum) * 2) % 11;
  }
  return String((11 - product) % 10);
}

/** Remainder by 97 of text in which letters stand for 10 to 35 (ISO/IEC 7064 MOD 97-10, as in ISO 13616). */
export function remainder97(text: string): number {
  let remainder = 0;
  for (const character of text) {
    const value = Number.parseInt(character, 36);
    remainder = (value > 9 ? remainder * 100 + value : remainder * 10 + value) % 97;
  }
  return remainder;
}
