/** Characters that the GSM 7-bit alphabet (3GPP TS 23.038) has, and those that cost two there. */
const basic =
  '@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !"#¤%&\'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà';
const doubled = '^{}\\[~]|€\f';

/** How many text messages a text is sent as: 160 or 153 characters each, 70 or 67 outside the GSM alphabet. */
export function segmentsOf(text: string): number {
  let length = 0;
  for (const character of text) {
    if (basic.includes(character)) length += 1;
    else if (doubled.includes(character)) length += 2;
    else return text.length <= 70 ? 1 : Math.ceil(text.length / 67);
  }
  return length <= 160 ? 1 : Math.ceil(length / 153);
}
