import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { linearPattern, UnsupportedPattern } from '../src/operation/linear-pattern.ts';
import { compileForeignValidator } from '../src/operation/validate.ts';

const parts = [
  ...[
    'a',
    'b',
    '.',
    '[ab]',
    '[^a]',
    '\\d',
    '\\w',
    '^',
    '$',
    '\\b',
    '\\B',
    '(a|b)',
    '(?:ab|a)',
    '(a*)',
    'a*',
    'a+',
  ],
  ...[
    'b?',
    'a{2}',
    'b{1,3}',
    '(ab){0,2}',
    'a{0}',
    'a{2,}',
    '\\u0061',
    '\\.',
    '(|a)',
    '[a-c]+?',
    'é',
    '\\p{L}',
    '(a+)+',
  ],
];

describe('a pattern', () => {
  it('takes what the engine of the language takes, and nothing else', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...parts), { maxLength: 6 }),
        fc.stringMatching(/^[abc1 é.\n]{0,8}$/u),
        fc.nat({ max: 6 }),
        (some, text, bar) => {
          const source = [
            ...some.slice(0, bar),
            ...(bar < some.length ? ['|'] : []),
            ...some.slice(bar),
          ].join('');
          expect(linearPattern(source).test(text)).toBe(new RegExp(source, 'u').test(text));
        },
      ),
      { numRuns: 3000 },
    );
  });

  it('costs no more than its text, whatever it is', () => {
    const text = `${'a'.repeat(20_000)}!`;
    const begun = performance.now();
    for (const source of ['^(a+)+$', '(a|aa)+$', '(.*a){10}b', 'a*a*a*a*b', '^(a|a?)+$'])
      expect(linearPattern(source).test(text)).toBe(false);
    expect(performance.now() - begun).toBeLessThan(20_000);
  });

  it('is refused when it needs another kind of machine, or is too large', () => {
    for (const source of [
      '(?=a)b',
      '(?<!a)b',
      '(a)\\1',
      '(?<n>a)\\k<n>',
      'a{5000}',
      '((a{500}){500}){500}',
      '(',
      '*',
    ])
      expect(() => linearPattern(source), source).toThrow(UnsupportedPattern);
  });
});

describe('rules that somebody else wrote', () => {
  it('cannot refer to others, stay behind for others, or take longer than they may', () => {
    const refused = [
      { $ref: '#' },
      { $ref: 'https://example.org/schema.json' },
      { anyOf: [{ $id: 'x', type: 'string' }] },
      { type: 'array', items: { $dynamicRef: '#x' } },
      { type: 'array', uniqueItems: true },
      { type: 'string', pattern: '(?=a)' },
      { properties: { a: { patternProperties: { '(a)\\1': {} } } } },
      { allOf: Array.from({ length: 3000 }, () => ({ type: 'string' })) },
    ];
    for (const schema of refused)
      expect(() => compileForeignValidator(schema, 'body'), JSON.stringify(schema).slice(0, 80)).toThrow();
    const named = { type: 'object', properties: { $ref: { type: 'string' }, $id: { const: { $ref: 'x' } } } };
    const validate = compileForeignValidator(named, 'body');
    expect(validate({ $ref: 'a' })).toBeUndefined();
    expect(validate({ $ref: 1 })).toHaveLength(1);
    const defects = (pattern: string, value: string) =>
      compileForeignValidator({ type: 'string', pattern }, 'body')(value)?.length ?? 0;
    expect([defects('^a+$', 'aab'), defects('^a+b$', 'aab'), defects('^b+$', 'aab')]).toEqual([1, 0, 1]);
    expect(compileForeignValidator({ type: 'number' }, 'body')(Number.POSITIVE_INFINITY)).toHaveLength(1);
  });
});
