import { createHmac } from 'node:crypto';
import type { Mask } from '../api/rights/right.ts';

/** What is shown of a value under a mask. `pseudonym` is what stands for it before one reader, and no other. */
export function masked(mask: Mask, value: string, pseudonym: (value: string) => string): string {
  switch (mask) {
    case 'year':
      return /^\d{4}(?=-)/.exec(value)?.[0] ?? '••••';
    case 'initials':
      return value
        .split(/\s+/)
        .flatMap((word) => (word === '' ? [] : [`${[...word][0]?.toUpperCase()}.`]))
        .join(' ');
    // Of a short value four characters would be most of it.
    case 'last4': {
      const characters = [...value];
      return characters.length >= 8 ? `••••${characters.slice(-4).join('')}` : '••••';
    }
    case 'hash':
      return pseudonym(value);
    case 'redact':
      return '••••';
  }
}

/** Pseudonyms of one field for one reading member: equal for equal values, of no use together with another reader's. */
export const pseudonyms =
  (key: Buffer, registryId: string, fieldId: number, member: string) =>
  (value: string): string =>
    createHmac('sha256', key)
      .update(JSON.stringify([registryId, fieldId, member, value]))
      .digest('base64url')
      .slice(0, 22);
