import { describe, expect, it } from 'vitest';
import { segmentsOf } from '../src/parties/sms/segments.ts';

describe('the length of text messages', () => {
  it.each([
    ['a'.repeat(160), 1],
    ['a'.repeat(161), 2],
    [`${'a'.repeat(159)}€`, 2],
    ['م'.repeat(70), 1],
    ['م'.repeat(71), 2],
    ['م'.repeat(135), 3],
  ])('counts as the GSM alphabet or UCS-2 do (%#)', (text, segments) => {
    expect(segmentsOf(text)).toBe(segments);
  });
});
