import fc from 'fast-check';
import { expect, it } from 'vitest';
import { matchesGlob, pathForRights } from '../src/rights/glob.ts';

/** Reference: the same meaning as a regular expression. */
const reference = (pattern: string): RegExp => {
  let source = '';
  for (let index = 0; index < pattern.length; index += 1) {
    if (pattern.startsWith('\\*', index)) {
      source += '\\*';
      index += 1;
    } else if (pattern.startsWith('**', index)) {
      source += '[^]*';
      index += 1;
    } else if (pattern[index] === '*') source += '[^/]*';
    else source += (pattern[index] as string).replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
  }
  return new RegExp(`^${source}$`);
};

it('matches as X-Road describes, for any pattern and path', () => {
  const piece = fc.constantFrom('a', 'b', '/', '*', '**', '\\*', '.', '/a');
  const text = fc.constantFrom('a', 'b', '/', '*', '.');
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 7 }), fc.array(text, { maxLength: 8 }), (pattern, path) => {
      expect(matchesGlob(pattern.join(''), path.join(''))).toBe(
        reference(pattern.join('')).test(path.join('')),
      );
    }),
    { numRuns: 2000 },
  );
});

it('is not slowed down by hostile patterns', () => {
  expect(matchesGlob('**a**a**a**a**a**a**a**a**b', 'a'.repeat(2000))).toBe(false);
});

it('refuses paths that climb or cannot be decoded', () => {
  expect(pathForRights('/a/../b')).toBeUndefined();
  expect(pathForRights('/a/%2e%2e/b')).toBeUndefined();
  expect(pathForRights('/%zz')).toBeUndefined();
  expect(pathForRights('/a/./b?x=..')).toBe('/a/b');
});
