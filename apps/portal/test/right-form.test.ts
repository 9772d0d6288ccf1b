import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readRight } from '../src/registries/read-right.ts';
import { enteredRight, inputsOfRight, type RightInputs } from '../src/registries/right-inputs.ts';
import type { Condition, Right } from '../src/registries/right-shape.ts';
import { fieldsOf } from '../src/registries/schema.ts';
import { loadTranslations } from '../src/rendering/translations.ts';
import { voiceOf } from '../src/rendering/voice.ts';
import type { SignedInVisit } from '../src/site/visit.ts';

const timeZone = 'Africa/Nairobi';
const voice = voiceOf(await loadTranslations(true), 'en', timeZone);
const fields = fieldsOf({
  type: 'object',
  properties: {
    District: { type: 'string', id: 1 },
    Beds: { type: 'integer', id: 2 },
    Open: { type: 'boolean', id: 3 },
  },
});

type Body = Record<string, string | readonly string[]>;

/** What a browser sends of a form that shows these inputs. */
function bodyOf({ shown, lines, methods, ...inputs }: RightInputs): Body {
  const body: Body = { methods };
  for (const [name, value] of Object.entries(inputs))
    if (typeof value === 'string') body[name] = value.replaceAll('\n', '\r\n');
    else if (value === true) body[name] = 'yes';
  for (const [id, show] of Object.entries(shown)) body[`shown-${id}`] = show;
  for (let row = 0; row < 4; row += 1) {
    const line = lines[row] ?? { field: '', operator: 'eq', against: 'value', value: '' };
    for (const [name, value] of Object.entries(line)) body[`row-${row}-${name}`] = value;
  }
  return body;
}

function kept(body: Body, before?: Right) {
  const visit = { voice, body } as unknown as SignedInVisit;
  return readRight(visit, enteredRight(visit, fields), fields, timeZone, before);
}
const inputsOf = (right: Right) => inputsOfRight(right, fields, timeZone, voice);
const opened = (right: Right): Body => bodyOf(inputsOf(right));

const base: Right = { subject: { kind: 'role', role: 'registrar' }, methods: ['list', 'read'] };
const application: Right = { ...base, subject: { kind: 'application', application: 'A/GOV/X/one' } };
const rights: [string, Right][] = [
  ['everything', base],
  ['some fields', { ...base, fields: [{ field: 'Beds' }, { field: 'District', show: 'year' }] }],
  ['a field by its id', { ...base, fields: [{ field: 2, show: 'plain', write: true }] }],
  [
    'a rule under a condition',
    { ...base, fields: [{ field: 'Beds', when: [[{ field: 'Open', operator: 'isNull' }]] }] },
  ],
  ['all but a field', { ...base, otherFields: 'plain', fields: [{ field: 'Beds', show: 'hidden' }] }],
  [
    'all but a field that is no more',
    { ...base, otherFields: 'plain', fields: [{ field: 'Old', show: 'hidden' }] },
  ],
  ['only a field that is no more', { ...base, fields: [{ field: 'Old' }] }],
  ['no fields', { ...base, otherFields: 'hidden' }],
  ['records of a district', { ...base, rows: [[{ field: 'District', operator: 'eq', value: 'North' }]] }],
  [
    'records of the caller',
    { ...base, rows: [[{ field: 'District', operator: 'eq', value: { caller: 'role:registrar' } }]] },
  ],
  ['records without a value', { ...base, rows: [[{ field: 'Beds', operator: 'isNull', value: true }]] }],
  ['records with a value', { ...base, rows: [[{ field: 'Beds', operator: 'isNull', value: false }]] }],
  ['a field that is no more', { ...base, rows: [[{ field: 'Old', operator: 'eq', value: 'x' }]] }],
  ['a comma in a value', { ...base, rows: [[{ field: 'District', operator: 'in', value: ['a, b'] }]] }],
  [
    'an Arabic comma in a value',
    { ...base, rows: [[{ field: 'District', operator: 'in', value: ['أ، ب'] }]] },
  ],
  [
    'alternatives',
    {
      ...base,
      rows: [[{ field: 'Beds', operator: 'lt', value: 3 }], [{ field: 'Open', operator: 'eq', value: true }]],
    },
  ],
  ['a person behind it', { ...application, needs: { person: {} } }],
  ['a person in no role', { ...application, needs: { person: { roles: [] } } }],
  ['a purpose, whichever', { ...base, needs: { purposes: [] } }],
  ['no way to have signed in', { ...base, needs: { acr: [] } }],
  [
    'ordinary needs',
    {
      ...application,
      needs: {
        consent: true,
        legalGround: true,
        purposes: ['care', 'planning'],
        acr: ['high'],
        person: { roles: ['nurse'], ownRights: true },
      },
    },
  ],
  ['seconds', { ...base, from: '2026-03-27T07:00:01.500Z', until: '2026-03-28T07:00:59.000Z' }],
  ['a note of two lines', { ...base, note: 'One\nTwo ' }],
  ['a role of no agency', { ...base, subject: { kind: 'role', role: 'registrar', agency: '' } }],
];

describe('the form of a right', () => {
  test.each(rights)('opened and sent says the same: %s', (_name, right) => {
    expect(kept(opened(right), right)).toEqual({ right, errors: [] });
  });

  test.each(rights)('keeps what it does not show when something else is changed: %s', (_name, right) => {
    const { right: changed, errors } = kept({ ...opened(right), note: 'Changed' }, right);
    expect({ ...changed, note: 'Changed' }).toEqual({ ...right, note: 'Changed' });
    expect(errors).toEqual([]);
  });

  test('keeps what it does not show beside what is changed in the same part', () => {
    const hidden: Right = { ...base, otherFields: 'plain', fields: [{ field: 'Old', show: 'hidden' }] };
    expect(kept({ ...opened(hidden), 'shown-2': 'year' }, hidden).right?.fields).toEqual([
      { field: 'Old', show: 'hidden' },
      { field: 'District' },
      { field: 'Beds', show: 'year' },
      { field: 'Open' },
    ]);
    const needs: Right = { ...base, needs: { acr: [], purposes: ['care'] } };
    expect(kept({ ...opened(needs), purposes: 'planning' }, needs).right?.needs).toEqual({
      acr: [],
      purposes: ['planning'],
    });
  });

  test('shows a condition as lines only where they say exactly that', () => {
    const value = fc.oneof(
      fc.string(),
      fc.constantFrom('أ، ب', 'a,b', ' a', 'North'),
      fc.integer(),
      fc.boolean(),
    );
    const field = fc.constantFrom('District', 'Beds', 'Open', 'Old');
    const single = fc.record({ field, operator: fc.constantFrom('eq', 'lt'), value });
    const several = fc.record({
      field,
      operator: fc.constantFrom('in', 'notIn'),
      value: fc.array(value, { maxLength: 3 }),
    });
    fc.assert(
      fc.property(fc.array(fc.oneof(single, several), { minLength: 1, maxLength: 4 }), (all) => {
        const rows = [all] as Condition;
        // As if the right were new: nothing is kept from before.
        expect(kept(opened({ ...base, rows })).right?.rows).toEqual(rows);
      }),
    );
  });
});

describe('a right that is half entered', () => {
  const form: Body = opened(base);
  const wrongAt = (body: Body) => kept(body).errors.map(({ href }) => href);

  test.each([
    ['a value', { 'row-2-value': 'North' }],
    ['an operator', { 'row-2-operator': 'isNull' }],
    ['something of the caller', { 'row-2-against': 'person' }],
  ])('is refused: a condition with %s and no field', (_name, line) => {
    expect(wrongAt({ ...form, ...line })).toEqual(['#rows']);
  });

  test('empty conditions are none', () => {
    expect(kept(form)).toEqual({ right: base, errors: [] });
  });

  test.each(['', 'most'])('is refused without saying whether all fields are meant (%j)', (scope) => {
    expect(wrongAt({ ...form, scope })).toEqual(['#scope']);
    const { scope: _, ...without } = form;
    expect(wrongAt(without)).toEqual(['#scope']);
  });
});
