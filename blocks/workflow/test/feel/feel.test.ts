import fc from 'fast-check';
import { evaluate, unaryTest } from 'feelin';
import { describe, expect, it } from 'vitest';
import { compileExpression, compileSource } from '../../src/feel/expression.ts';
import type { Json, Variables } from '../../src/feel/json.ts';
import { compileUnaryTests } from '../../src/feel/unary-tests.ts';

const now = '2026-01-01T10:00:00Z';
const value = (text: string, variables: Variables = {}): Json =>
  compileExpression(text).evaluate(variables, now).value;

describe('expressions', () => {
  it('rounds fractions to what a float holds exactly', () => {
    expect(value('0.1 + 0.2')).toBe(0.3);
    expect(value('1.1 * 3')).toBe(3.3);
  });

  it('refuses whole numbers beyond what is exact instead of changing them', () => {
    expect(() => value('9007199254740993 + 2')).toThrow('too large to be exact');
  });

  it('writes dates and durations as ISO 8601', () => {
    expect(value('{d: date("2026-02-03"), p: duration("P1D"), n: now()}')).toEqual({
      d: '2026-02-03',
      p: 'P1D',
      n: '2026-01-01T10:00:00Z',
    });
    expect(value('today() + duration("P1D")')).toBe('2026-01-02');
  });

  it('says which variables are missing', () => {
    const { value: result, missing } = compileExpression('a.b + c').evaluate({ c: 1 }, now);
    expect(result).toBeNull();
    expect(missing).toEqual(['a']);
  });

  it.each(['', '1 +', '= 1', '(', '"a', 'if a then'])('refuses %j', (text) => {
    expect(() => compileExpression(text)).toThrow();
  });

  it('refuses functions that do not exist and results that cannot be stored', () => {
    expect(() => value('nofn(1)')).toThrow('does not exist');
    expect(() => value('function(x) x')).toThrow('cannot be stored');
  });

  it('takes a source without equals sign as a text', () => {
    expect(compileSource('a + b').evaluate({}, now).value).toBe('a + b');
    expect(compileSource('= 1 + 1').evaluate({}, now).value).toBe(2);
  });

  it('does not reach into prototypes', () => {
    expect(value('constructor')).toBeNull();
    expect(value('a.__proto__', { a: {} })).toBeNull();
    expect(value('a.constructor.name', { a: {} })).toBeNull();
  });
});

const json = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.constant(null),
    fc.boolean(),
    fc.integer(),
    fc.string(),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom('a', 'b', 'c'), tie('value'), { maxKeys: 3 }),
  ),
})).value as fc.Arbitrary<Json>;

describe('short cuts', () => {
  it('give what the interpreter gives for plain paths and literals', () => {
    const path = fc
      .array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 4 })
      .map((parts) => parts.join('.'));
    const literal = fc.oneof(
      fc.integer({ min: -1e9, max: 1e9 }).map(String),
      fc.constantFrom('true', 'false', 'null', '"text"', '""'),
    );
    fc.assert(
      fc.property(
        fc.oneof(path, literal),
        fc.dictionary(fc.constantFrom('a', 'b', 'c'), json),
        (text, given) => {
          const variables = JSON.parse(JSON.stringify(given)) as Variables;
          const expected = evaluate(text, variables).value ?? null;
          expect(value(text, variables)).toEqual(JSON.parse(JSON.stringify(expected)));
        },
      ),
      { numRuns: 500 },
    );
  });

  it('give what the interpreter gives for plain cells of decision tables', () => {
    const number = fc.integer({ min: -20, max: 20 }).map(String);
    const plain = fc.oneof(
      number,
      fc.constantFrom('"a"', '"b"', 'true', 'false'),
      fc.tuple(fc.constantFrom('<', '<=', '>', '>='), number).map((parts) => parts.join(' ')),
      fc
        .tuple(fc.constantFrom('[', '('), number, number, fc.constantFrom(']', ')'))
        .filter(([, low, high]) => Number(low) <= Number(high))
        .map(([open, low, high, close]) => `${open}${low}..${high}${close}`),
    );
    const cell = fc.array(plain, { minLength: 1, maxLength: 3 }).map((tests) => tests.join(', '));
    const subject = fc.oneof(fc.integer({ min: -20, max: 20 }), fc.constantFrom<Json>('a', 'b', true, false));
    fc.assert(
      fc.property(cell, subject, (text, one) => {
        // feelin compares texts and truth values with numbers; FEEL has no order between them.
        if (typeof one !== 'number' && /[<>[(]/.test(text)) return;
        expect(compileUnaryTests(text).test(one, {}, now)).toBe(unaryTest(text, { '?': one }).value === true);
      }),
      { numRuns: 500 },
    );
  });
});
