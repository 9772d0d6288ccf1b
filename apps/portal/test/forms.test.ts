import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { applicableForm, holds } from '../src/forms/applicable.ts';
import { checkField, checkQuestion } from '../src/forms/check.ts';
import { type EForm, type Field, parseEForm, type Question } from '../src/forms/eform.ts';
import { inputsOf, readEntry } from '../src/forms/entry.ts';
import { prefill } from '../src/forms/prefill.ts';
import { progressOf } from '../src/forms/progress.ts';
import { asciiDigits, compareDecimals, plainDecimal } from '../src/forms/written-numbers.ts';
import { familyForm } from './fixtures/service.ts';

const today = '2026-02-03';
const label = { en: 'Question' };
const question = (rest: Partial<Question> & Pick<Question, 'type'>): Question => ({
  id: 'q',
  label,
  ...rest,
});
const read = (
  field: Question,
  body: Record<string, string | string[]>,
  language: 'en' | 'fr' | 'ar' = 'en',
) => readEntry(field, body, language, today);

describe('conditions', () => {
  test('only true lets an element apply: null, false, other values and faults do not', () => {
    expect(holds(undefined, {})).toBe(true);
    expect(holds('a > 3', { a: 4 })).toBe(true);
    expect(holds('a > 3', { a: 2 })).toBe(false);
    expect(holds('a > 3', {})).toBe(false);
    expect(holds('not(a > 3)', {})).toBe(false);
    expect(holds('a > 3 or b = "x"', { b: 'x' })).toBe(true);
    expect(holds('a', { a: 'true' })).toBe(false);
    expect(holds('a >', { a: 4 })).toBe(false);
  });
});

describe('pruning', () => {
  test('removes to the fixed point what hung on an answer that no longer applies', () => {
    const all = { ownsLand: true, hectares: 20, farmIncome: '100.00' };
    expect(applicableForm(familyForm, all).answers).toEqual(all);
    expect(applicableForm(familyForm, { ...all, ownsLand: false }).answers).toEqual({ ownsLand: false });
  });

  test('drops unknown keys and missing answers, and prunes groups item by item', () => {
    const { answers } = applicableForm(familyForm, {
      stray: 1,
      roof: '  ',
      animals: [],
      members: [
        { givenName: 'Amina', dateOfBirth: '1988-03-27', inSchool: true },
        { givenName: 'Tomas', dateOfBirth: '2015-11-02', inSchool: true, stray: 1 },
      ],
    });
    expect(answers).toEqual({
      members: [
        { givenName: 'Amina', dateOfBirth: '1988-03-27' },
        { givenName: 'Tomas', dateOfBirth: '2015-11-02', inSchool: true },
      ],
    });
  });

  test('ends, only removes, and changes nothing the second time, for any form and answers', () => {
    const ids = ['a', 'b', 'c', 'd', 'e'];
    const condition = fc.option(
      fc
        .tuple(fc.constantFrom(...ids), fc.constantFrom('= null', '!= null', '= "x"', '= "y"'))
        .map(([id, rest]) => `${id} ${rest}`),
      { nil: undefined },
    );
    const form = fc
      .tuple(...ids.map((id) => condition.map((when) => ({ id, type: 'text' as const, label, when }))))
      .map(
        (fields): EForm => ({
          id: 'f',
          name: label,
          version: '1',
          pages: [{ id: 'p', title: label, fields: fields as Field[] }],
        }),
      );
    const given = fc.dictionary(fc.constantFrom(...ids), fc.constantFrom('x', 'y'));
    fc.assert(
      fc.property(form, given, (schema, answers) => {
        const once = applicableForm(schema, answers);
        expect(applicableForm(schema, once.answers)).toEqual(once);
        for (const [id, value] of Object.entries(once.answers)) expect(answers[id]).toBe(value);
        const applying = new Set(once.pages.flatMap(({ fields }) => fields.map((field) => field.id)));
        expect(Object.keys(once.answers).every((id) => applying.has(id))).toBe(true);
      }),
    );
  });
});

describe('what people write', () => {
  test.each([
    ['1 200,50', 'fr', '1200.50'],
    ['1,200.50', 'en', '1200.50'],
    ['1.200,50', 'fr', '1200.50'],
    ['1,200', 'en', '1200'],
    ['1,5', 'en', '1.5'],
    ['١٢٣٫٥', 'ar', '123.5'],
    ['007', 'en', '7'],
    ['−4', 'en', '-4'],
    ['12 apples', 'en', undefined],
    ['1.2.3', 'en', undefined],
  ] as const)('reads %s (%s) as %s', (written, language, expected) => {
    expect(plainDecimal(written, language)).toBe(expected);
  });

  test('digits of any script are digits', () => {
    expect(asciiDigits('٠١٢٣٤٥٦٧٨٩ ۴۵۶ ४५६ 789')).toBe('0123456789 456 456 789');
  });

  test('amounts are compared without rounding', () => {
    expect(compareDecimals('99999999999999.01', '99999999999999.02')).toBe(-1);
    expect(compareDecimals('-1', '0.00')).toBe(-1);
    expect(compareDecimals('1.50', '1.5')).toBe(0);
  });

  test('numbers, money, telephone and register numbers become what the format says', () => {
    expect(read(question({ type: 'integer' }), { q: ' 12 ' }).answer).toBe(12);
    expect(read(question({ type: 'money', currency: 'XLD' }), { q: '1 200,5' }, 'fr').answer).toBe('1200.50');
    expect(read(question({ type: 'phone', prefix: '+999' }), { q: '07 12-34 56 78' }).answer).toBe(
      '+999712345678',
    );
    expect(read(question({ type: 'phone', prefix: '+999' }), { q: '00 44 20 7946 0000' }).answer).toBe(
      '+442079460000',
    );
    expect(read(question({ type: 'nationalNumber' }), { q: 'xl 1234-5678' }).answer).toBe('XL12345678');
    expect(read(question({ type: 'text' }), { q: ' a\u0000b\n' }).answer).toBe('a b');
    expect(read(question({ type: 'boolean' }), { q: 'false' }).answer).toBe(false);
  });

  test('dates say which part is missing or wrong', () => {
    const field = question({ type: 'date', max: 'today' });
    const date = (day: string, month: string, year: string) =>
      read(field, { 'q-day': day, 'q-month': month, 'q-year': year });
    expect(date('٢٧', '3', '1988').answer).toBe('1988-03-27');
    expect(date('', '', '').answer).toBeUndefined();
    expect(date('', '3', '1988').defect).toMatchObject({ reason: 'date_day', part: 'day' });
    expect(date('27', '3', '88').defect).toMatchObject({ reason: 'date_year', part: 'year' });
    expect(date('30', '2', '1988').defect).toMatchObject({ code: 'type' });
    expect(date('4', '2', '2026').defect).toMatchObject({ code: 'range', reason: 'inFuture' });
  });

  test('a choice that was not offered is refused', () => {
    const options = [
      { value: 'a', label },
      { value: 'b', label },
    ];
    expect(read(question({ type: 'radios', options }), { q: 'c' }).defect?.code).toBe('option');
    expect(read(question({ type: 'checkboxes', options }), { q: ['b', 'a'] }).answer).toEqual(['a', 'b']);
    expect(read(question({ type: 'checkboxes', options }), { q: ['b', 'x'] }).defect?.code).toBe('option');
  });

  test('an answer fills the inputs that would give it again', () => {
    const field = question({ type: 'date' });
    const inputs = inputsOf(field, '1988-03-07');
    expect(inputs).toEqual({ day: '7', month: '3', year: '1988' });
    const body = Object.fromEntries(
      Object.entries(inputs).map(([part, value]) => [`q-${part}`, value as string]),
    );
    expect(read(field, body).answer).toBe('1988-03-07');
  });
});

describe('rules', () => {
  test.each([
    [question({ type: 'text', required: true }), undefined, 'required'],
    [question({ type: 'text', maxLength: 3 }), 'four', 'length'],
    [question({ type: 'text', pattern: 'a|b' }), 'ab', 'pattern'],
    [question({ type: 'integer', min: 1 }), 0, 'range'],
    [question({ type: 'integer' }), 1.5, 'type'],
    [question({ type: 'number' }), '1', 'type'],
    [question({ type: 'money', currency: 'XLD', max: '10' }), '10.01', 'range'],
    [question({ type: 'money', currency: 'XLD' }), '10', 'type'],
    [question({ type: 'date', min: '2000-01-01' }), '1999-12-31', 'range'],
    [question({ type: 'phone' }), '12', 'pattern'],
    [question({ type: 'boolean', required: true }), 'yes', 'type'],
  ])('refuses %o with %o as %s', (field, answer, code) => {
    expect(checkQuestion(field, answer, today)?.code).toBe(code);
  });

  test('false answers a required yes-or-no question', () => {
    expect(checkQuestion(question({ type: 'boolean', required: true }), false, today)).toBeUndefined();
  });

  test('groups are counted and their items checked where they stand', () => {
    const members = familyForm.pages
      .flatMap((page) => page.fields)
      .find((field) => field.id === 'members') as Field;
    expect(checkField(members, {}, today)).toMatchObject([{ code: 'count', reason: 'tooFewItems' }]);
    const child = { givenName: 'Tomas', dateOfBirth: '2015-11-02' };
    expect(checkField(members, { members: [child] }, today)).toMatchObject([
      { code: 'required', item: { index: 0, fieldId: 'inSchool' } },
    ]);
    const grown = { givenName: 'Amina', dateOfBirth: '1988-03-27' };
    expect(checkField(members, { members: [grown, grown, grown, grown] }, today)[0]?.reason).toBe(
      'tooManyItems',
    );
  });

  test('progress names the pages that still need an answer, in order', () => {
    const { incomplete } = progressOf(familyForm, { roof: 'tin', ownsLand: true }, today);
    expect(incomplete.map(({ page }) => page.id)).toEqual(['contact', 'land', 'household']);
  });

  test('a document that is no eForm is refused with where it is wrong', () => {
    expect(() => parseEForm({ ...familyForm, pages: [{ id: 'P', title: label, fields: [] }] })).toThrow(
      '/pages/0',
    );
    expect(parseEForm(structuredClone(familyForm))).toEqual(familyForm);
  });

  test('a draft begins with what identity knows, if it would be accepted', () => {
    expect(prefill(familyForm, { phone_number: '+999712345678' }, today)).toEqual({ phone: '+999712345678' });
    expect(prefill(familyForm, { phone_number: 'unknown' }, today)).toEqual({});
  });
});
