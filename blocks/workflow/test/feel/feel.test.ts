import { Decimal } from 'decimal.js';
import fc from 'fast-check';
import { evaluate, unaryTest } from 'feelin';
import { describe, expect, it } from 'vitest';
import { compileExpression, compileSource, prepare } from '../../src/feel/expression.ts';
import type { Json, Variables } from '../../src/feel/json.ts';
import { FeelError, normalise } from '../../src/feel/normalise.ts';
import { translatePlain } from '../../src/feel/plain.ts';
import { compileUnaryTests } from '../../src/feel/unary-tests.ts';

const now = '2026-01-01T10:00:00Z';
const value = (text: string, variables: Variables = {}): Json =>
  compileExpression(text).evaluate(variables, now).value;

describe('expressions', () => {
  it.each([
    ['0.1 + 0.2 = 0.3', true],
    ['1000000.1 - 1000000', 0.1],
    ['1.1 * 1.1', 1.21],
    ['4.35 * 100', 435],
    ['1 - 0.9 < 0.1', false],
    ['0.3 / 0.1', 3],
    ['10 / 4 = 2.5', true],
    ['1.1 ** 2 = 1.21', true],
    ['sum([0.1, 0.2]) = 0.3', true],
    ['sum(0.1, 0.2, 0.3) = 0.6', true],
    ['mean([0.1, 0.2]) = 0.15', true],
    ['product([1.1, 1.1]) = 1.21', true],
    ['modulo(1.1, 0.1)', 0],
    ['modulo(-12, 5)', 3],
    ['decimal(1.015, 2)', 1.02],
    ['round half up(1.005, 2)', 1.01],
    ['round half down(2.345, 2)', 2.34],
    ['round up(-1.1, 0)', -2],
    ['floor(-1.56, 1)', -1.6],
    ['ceiling(1.1)', 2],
    ['decimal(125, -1)', 120],
    ['sum([])', null],
    ['sum([1, "a"])', null],
    ['1 / 3', 0.333333333333333],
  ])('computes in decimals: %s', (text, expected) => {
    expect(value(text)).toBe(expected);
    // Whatever way it takes.
    expect(value(`if now() = null then null else ${text}`)).toBe(expected);
  });

  it('adds, subtracts and multiplies amounts exactly', () => {
    const amount = fc
      .tuple(fc.integer({ min: -9_999_999, max: 9_999_999 }), fc.integer({ min: 0, max: 4 }))
      .map(([digits, places]) => Number(`${digits}e-${places}`));
    fc.assert(
      fc.property(amount, amount, (a, b) => {
        const exact = [new Decimal(a).plus(b), new Decimal(a).minus(b), new Decimal(a).times(b)];
        const found = value('[a + b, a - b, a * b]', { a, b }) as number[];
        expect(found).toEqual(exact.map((one) => Number(one.toPrecision(15)) || 0));
      }),
    );
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
    const reached = [
      'a.constructor.constructor("return process")()',
      '(function(x) x).constructor("return process")()',
      '(function(x) x).fn.constructor("return process")()',
      'sum.constructor("return process")()',
      'now().value.constructor("return process")()',
    ];
    for (const text of reached) expect(() => value(text, { a: {} })).toThrow('does not exist');
  });

  it.each([
    '{"__proto__": {polluted: 1}}',
    'context put({}, "__proto__", {polluted: 1})',
    'context put({}, ["__proto__", "polluted"], 1)',
    'context put({}, ["constructor", "prototype", "polluted"], 1)',
    'context merge([{a: 1}, a])',
    'context([{key: "__proto__", value: {polluted: 1}}])',
    '{a: {"__proto__": {polluted: 1}}, b: a.polluted}',
  ])('changes nothing outside itself: %s', (text) => {
    try {
      value(text, JSON.parse('{"a": {"__proto__": {"polluted": 1}}}'));
    } catch (error) {
      expect(error).toBeInstanceOf(FeelError);
    }
    expect(Object.keys(Object.prototype)).toEqual([]);
    expect({}).not.toHaveProperty('polluted');
  });
});

describe('an evaluation ends', () => {
  const list = Array.from({ length: 2000 }, (_, place) => place);
  it.each([
    'for i in 1..1000000000 return i',
    'for i in [1..1000000000] return i',
    'for i in date("0001-01-01")..date("9999-12-31") return i',
    'some i in 1..1000000000 satisfies i < 0',
    'for a in list, b in list return 1',
    'for a in list return for b in list return 1',
    'count(for a in list, b in list, c in list, d in list return a[1]) + now().year',
    '{f: function(n) if n < 2 then 1 else f(n - 1) + f(n - 2), v: f(99)}.v',
    '{f: function(n) f(n + 1), v: f(0)}.v',
    '{f: function(l, n) if n = 0 then l else f(concatenate(l, l), n - 1), v: f([1], 40)}.v',
    '{f: function(t, n) if n = 0 then t else f(t + t, n - 1), v: f("text", 40)}.v',
    '{f: function(l, n) if n = 0 then l else f([l, l], n - 1), v: f([1], 40)}.v',
    '{f: function(l, n) if n = 0 then l else f([l], n - 1), v: f([1], 200)}.v',
    'for i in 1..3 return partial',
    'matches("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!", "^(a+)+$")',
  ])('%s', (text) => {
    const begun = performance.now();
    expect(() => value(text, { list })).toThrow(FeelError);
    expect(performance.now() - begun).toBeLessThan(10_000);
  });

  it('also that of a cell of a decision table', () => {
    const cell = compileUnaryTests('count(for i in 1..1000000000 return i) > 1');
    expect(() => cell.test(1, {}, now)).toThrow(FeelError);
  });

  it('in what a large case needs', () => {
    expect(value('sum(for i in 1..20000 return i * 2)')).toBe(400_020_000);
    expect(value('count(for a in list, b in [1..12] return a * b)', { list })).toBe(24_000);
  });

  it.each([
    ['for i in 1..2.5 return i', [1, 2]],
    ['for i in 2..0 return i', [2, 1, 0]],
    ['for i in [1..3) return i', [1, 2]],
    ['for i in "a".."c" return i', null],
    [
      'for d in date("2024-02-28")..date("2024-03-01") return string(d)',
      ['2024-02-28', '2024-02-29', '2024-03-01'],
    ],
    ['every d in @"2026-01-02"..@"2026-01-01" satisfies d.year = 2026', true],
    ['for i in 1..null return i', null],
  ])('goes through %s', (text, expected) => {
    expect(value(text)).toEqual(expected);
  });
});

describe('dates and durations', () => {
  it.each([
    ['3 * duration("PT10H")', 'P1DT6H'],
    ['duration("P1Y2M") * 2', 'P2Y4M'],
    ['duration("P3D") / 2', 'P1DT12H'],
    ['duration("P9Y") / duration("P3Y")', 3],
    ['duration("P1Y") / duration("P3D")', null],
    ['-duration("P2D")', '-P2D'],
    ['-(duration("P2D") + duration("PT3H"))', '-P2DT3H'],
    ['date("2026-03-01") - duration("PT1H")', '2026-02-28'],
    ['date("2026-03-01") + duration("P1M")', '2026-04-01'],
    ['date("2026-03-01") - date("2026-02-01")', 'P28D'],
    ['date and time("2026-03-01T12:00:00+02:00") - date and time("2026-03-01T12:00:00+03:00")', 'PT1H'],
    ['date and time("2026-03-01T12:00:00") - date and time("2026-03-01T12:00:00Z")', null],
    ['time("10:00:00") + duration("P1Y")', null],
    ['time("10:00:00") - date("2026-03-01")', null],
    ['years and months duration(date("2024-05-20"), date("2026-04-19"))', 'P1Y10M'],
    ['years and months duration(date("2026-04-19"), date("2024-05-20"))', '-P1Y10M'],
  ])('%s', (text, expected) => {
    expect(value(text)).toBe(expected);
  });

  it('are computed beside names with spaces, and inside ranges, functions and texts', () => {
    const variables = { 'Grace days': 3, n: 2 };
    const expression = compileExpression('duration("P1D") * Grace days', ['Grace days']);
    expect(expression.evaluate(variables, now).value).toBe('P3D');
    expect(value('{f: function(x) x * duration("P1D"), v: f(n)}.v', variables)).toBe('P2D');
    expect(value('5 in [n + 1..n * 3]', variables)).toBe(true);
    expect(value('{s: "a + b", d: duration("P1D") * n}', variables)).toEqual({ s: 'a + b', d: 'P2D' });
  });
});

describe('functions', () => {
  it('leave their names to variables', () => {
    expect(compileExpression('range').evaluate({}, now)).toEqual({ value: null, missing: ['range'] });
    expect(value('range + 1', { range: 4 })).toBe(5);
    expect(value('{f: function(range) range * duration("P1D"), v: f(2)}.v')).toBe('P2D');
  });

  it.each([
    ['coincides([1..5], [1..5])', true],
    ['coincides([1..5], [1..5))', false],
    ['starts(1, [1..5])', true],
    ['started by((1..5], 1)', false],
    ['finishes([3..5], [1..5])', true],
    ['finished by([1..5), 5)', false],
    ['during(date("2026-02-03"), [date("2026-01-01")..date("2026-12-31")])', true],
    ['during(6, [1..5])', false],
    ['during("a", [1..5])', null],
    ['overlaps before([1..5], [3..9])', true],
    ['overlaps before([1..3), [3..9])', false],
    ['overlaps after([3..9], [1..5])', true],
    ['7 in range("(5..9]")', true],
    ['"b" in range("[\\"a\\"..\\"c\\"]")', true],
    ['range("[9..5]")', null],
    ['range("[n..5]")', null],
    ['list replace(["a", "b"], -1, "c")', ['a', 'c']],
    ['list replace(["a", "b"], 3, "c")', null],
    ['list replace([1, 5], function(item, new) item < new, 3)', [3, 5]],
    ['5 in range("[1..n]")', null],
    ['date("2026-02-03") in range("[date(\\"2026-01-01\\")..@\\"2026-12-31\\"]")', true],
    ['matches("ab c", "a b [ ] c", "x")', true],
    ['replace("ab c", "a b", "x", "xi")', 'x c'],
    ['replace("ab c", "[a-b]", "x")', 'xx c'],
    ['round up(2.345, 2.9)', 2.35],
    ['round half up(2.5, -7000)', null],
  ])('%s', (text, expected) => {
    expect(value(text)).toEqual(expected);
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

/** What the interpreter says; undefined where it gives up on a part that cannot change the result. */
function interpreted(text: string, variables: Variables): Json | undefined {
  let value: unknown;
  try {
    const { text: written, library } = prepare(text, []);
    value = evaluate(written, { ...library, ...variables }).value;
  } catch {
    return undefined;
  }
  return normalise(value);
}

describe('a value that is missing', () => {
  it.each([
    ['5 in [0..limit]', null],
    ['5 in (limit..9)', null],
    ['5 in ([0..limit], 7)', null],
    ['7 in ([0..limit], 7)', true],
    ['not(5 in [0..limit])', null],
    ['[1, 5, 9][item in [0..limit]]', []],
    ['[1, 5, 9][item in [0..top + 1]]', [1, 5]],
    ['5 in [0..2 + 4]', true],
    ['5 in (null..10]', null],
    ['some x in [1] satisfies x in [0..limit]', false],
  ])('is no open end of an interval: %s', (text, expected) => {
    expect(value(text, { limit: null, top: 5 })).toEqual(expected);
  });

  it.each([
    ['[0..limit]', []],
    ['(limit..9]', []],
    ['[0..limit], 7', [7]],
    ['<= limit', []],
    ['not(<= limit)', []],
    ['not([0..top])', [7]],
    ['[0..top]', [5]],
    ['? <= limit', []],
    ['? > top', [7]],
    ['? > 1, null', [5, 7, null]],
    ['not(? > top)', [5]],
    ['not(null)', [5, 7]],
    ['null', [null]],
    ['limit', [null]],
    ['not("a")', [5, 7, null]],
  ])('meets a cell that asks for it, and no other: %s', (text, met) => {
    const cell = compileUnaryTests(text);
    expect([5, 7, null].filter((one) => cell.test(one, { limit: null, top: 5 }, now))).toEqual(met);
  });
});

describe('short cuts', () => {
  const name = fc.constantFrom('a', 'b', 'c', 'list', 'n', 't');
  const expression = fc.letrec<{ value: string }>((tie) => ({
    value: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      name,
      fc.array(name, { minLength: 2, maxLength: 3 }).map((parts) => parts.join('.')),
      fc.integer({ min: -99, max: 99 }).map(String),
      fc.constantFrom('true', 'false', 'null', '"text"', '"7.5"', '""', '0.25'),
      fc
        .tuple(
          tie('value'),
          fc.constantFrom('=', '!=', '<', '<=', '>', '>=', '+', '-', '*', '/', 'and', 'or'),
          tie('value'),
        )
        .map(([left, operator, right]) => `(${left}) ${operator} (${right})`),
      fc.tuple(tie('value'), tie('value'), tie('value')).map(([c, y, n]) => `if ${c} then ${y} else ${n}`),
      fc.array(tie('value'), { maxLength: 3 }).map((items) => `[${items.join(', ')}]`),
      fc.tuple(tie('value'), tie('value')).map(([x, y]) => `{a: ${x}, d: ${y}, e: a}`),
      fc.tuple(tie('value'), tie('value')).map(([x, y]) => `for c in ${x} return ${y}`),
      fc
        .tuple(fc.constantFrom('some', 'every'), tie('value'), tie('value'))
        .map(([how, x, y]) => `${how} c in ${x} satisfies ${y}`),
      fc
        .tuple(
          fc.constantFrom(
            'count',
            'sum',
            'min',
            'max',
            'not',
            'string',
            'number',
            'concatenate',
            'string length',
          ),
          tie('value'),
        )
        .map(([called, x]) => `${called}(${x})`),
      fc
        .tuple(
          fc.constantFrom(
            'concatenate',
            'append',
            'get value',
            'list contains',
            'substring',
            'contains',
            'starts with',
          ),
          tie('value'),
          tie('value'),
        )
        .map(([called, x, y]) => `${called}(${x}, ${y})`),
      fc.tuple(tie('value'), fc.integer({ min: 0, max: 4 })).map(([x, n]) => `substring(${x}, ${n}, 2)`),
    ),
  })).value;
  const values = fc.record(
    {
      a: json,
      b: fc.record({ a: json, b: fc.record({ c: json }) }),
      c: fc.constantFrom<Json>('text', '7.5', 'é', 3, 0.1, true, false, null),
      list: fc.oneof(
        fc.array(fc.integer({ min: -9, max: 9 })),
        fc.array(fc.record({ a: fc.integer(), t: fc.string() })),
      ),
      n: fc.oneof(fc.integer({ min: -99, max: 99 }), fc.constantFrom(0.1, 0.2, 2.5)),
      t: fc.string(),
    },
    { requiredKeys: ['b', 'list', 'n', 't'] },
  );

  it('give what the interpreter gives, whatever the expression and its variables', () => {
    let plain = 0;
    fc.assert(
      fc.property(expression, values, (text, given) => {
        const variables = JSON.parse(JSON.stringify(given)) as Variables;
        const found = translatePlain(text)?.(variables);
        if (found === undefined) return;
        plain += 1;
        const expected = interpreted(text, variables);
        if (expected !== undefined) expect(normalise(found)).toEqual(expected);
      }),
      { numRuns: 4000 },
    );
    expect(plain).toBeGreaterThan(500);
  });

  it('leave to the interpreter what only it can judge', () => {
    for (const text of ['now()', 'a[1]', 'a b', 'date("2026-01-01")', 'x ** 2', '"a\\n"', 'function(x) x']) {
      expect(translatePlain(text)).toBeUndefined();
    }
    expect(translatePlain('missing')?.({})).toBeUndefined();
    expect(translatePlain('1 + "a"')?.({})).toBeUndefined();
    expect(translatePlain('count(a)')?.({ a: [1], count: 2 })).toBeUndefined();
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
