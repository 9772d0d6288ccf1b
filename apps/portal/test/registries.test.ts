import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readFieldForm } from '../src/registries/field-form.ts';
import { soughtValue } from '../src/registries/filters.ts';
import { findingsIn } from '../src/registries/findings.ts';
import { instantOf, localOf } from '../src/registries/moments.ts';
import { ownersFrom, placeAt, placeOf } from '../src/registries/place.ts';
import { fieldsOf, labelOf, moved, put, type Schema, without } from '../src/registries/schema.ts';
import { loadTranslations } from '../src/rendering/translations.ts';
import { voiceOf } from '../src/rendering/voice.ts';

const voice = voiceOf(await loadTranslations(true), 'en', 'Africa/Nairobi');
const schema: Schema & Record<string, unknown> = {
  type: 'object',
  'x-announce': true,
  required: ['A', 'C'],
  uniques: [['A', 'B']],
  properties: {
    A: { type: 'string', id: 1, tags: ['kept'] },
    B: { type: 'string', id: 2 },
    C: { type: 'integer', id: 3, minimum: 1 },
  },
};
const names = (one: Schema) => fieldsOf(one).map(({ name }) => name);

describe('a schema under the designer’s hands', () => {
  test('fields move, go and are renamed; nothing else changes', () => {
    expect(names(moved(schema, 3, -1))).toEqual(['A', 'C', 'B']);
    expect(moved(schema, 1, -1)).toBe(schema);
    expect(without(schema, 3)).toMatchObject({ required: ['A'], 'x-announce': true });
    const [a] = fieldsOf(schema);
    const renamed = put(schema, { ...(a as NonNullable<typeof a>), name: 'Z' });
    expect(renamed).toMatchObject({ required: ['Z', 'C'], uniques: [['Z', 'B']], 'x-announce': true });
    expect(renamed.properties.Z).toEqual(schema.properties.A);
    expect(names(renamed)).toEqual(['Z', 'B', 'C']);
  });

  test('the form keeps what it does not know, as long as the kind stays', () => {
    const [a, , c] = fieldsOf(schema);
    const kept = readFieldForm({ name: 'A', personal: 'yes' }, 'text', true, a, schema, voice);
    expect(kept.field.property).toEqual({ type: 'string', id: 1, tags: ['kept'], personal: true });
    const other = readFieldForm({ name: 'C' }, 'date', false, c, schema, voice);
    expect(other.field.property).toEqual({ type: 'string', format: 'date', id: 3 });
    expect(readFieldForm({ name: 'B' }, 'text', true, a, schema, voice).errors).toHaveLength(1);
    expect(
      readFieldForm({ name: 'D', pattern: '(' }, 'text', false, undefined, schema, voice).errors,
    ).toEqual([{ text: 'The pattern cannot be read', href: '#pattern' }]);
    expect(
      readFieldForm({ name: 'D', minimum: '5', maximum: '2' }, 'integer', false, undefined, schema, voice)
        .errors,
    ).toHaveLength(1);
  });

  test('names are shown as people write them', () => {
    expect(labelOf({ name: 'nationalNumber', property: {} })).toBe('National number');
    expect(labelOf({ name: 'National ID', property: {} })).toBe('National ID');
    expect(labelOf({ name: 'x', property: { title: 'Where' } })).toBe('Where');
  });
});

test('a finding that is not known stays as the registry said it', () => {
  const pointer = '/schema/properties/Birth~1death date';
  expect(findingsIn(voice, [{ pointer, breaking: true, detail: 'becomes a poem' }])).toEqual([
    { label: 'Birth/death date', breaking: true, text: 'becomes a poem', foreign: true },
  ]);
});

test('a day and time in the country is an instant, and back', () => {
  expect(instantOf('2026-03-27T10:00', 'Africa/Nairobi')).toBe('2026-03-27T07:00:00.000Z');
  for (const wrong of ['', '2026-02-30T10:00', '27.3.2026', '2026-03-27'])
    expect(instantOf(wrong, 'UTC')).toBeUndefined();
  fc.assert(
    fc.property(
      fc.date({ min: new Date('1990-01-01'), max: new Date('2060-01-01'), noInvalidDate: true }),
      fc.constantFrom('UTC', 'Africa/Nairobi', 'Asia/Kathmandu', 'America/Lima'),
      (date, timeZone) => {
        const instant = new Date(Math.floor(date.getTime() / 1000) * 1000).toISOString();
        expect(instantOf(localOf(instant, timeZone), timeZone)).toBe(instant);
      },
    ),
  );
});

test('what is sought is read as its field holds it', () => {
  const sought = (property: Record<string, unknown>, text: string) =>
    soughtValue({ id: 1, name: 'x', required: false, property }, text, voice, 'UTC');
  expect(sought({ type: 'integer' }, '1,200')).toBe(1200);
  expect(sought({ type: 'integer' }, '1.5')).toBeUndefined();
  expect(sought({ type: 'boolean' }, 'YES')).toBe(true);
  expect(sought({ type: 'string', enum: ['Female', 'Male'] }, 'female')).toBe('Female');
  expect(sought({ type: 'string', format: 'date' }, '2026-13-01')).toBeUndefined();
});

test('addresses name registries of the viewer’s own agency only', () => {
  const owners = ownersFrom(
    ['A/GOV/X/one', 'A/GOV/Y/one', 'A/GOV/Y/two'].map((owner) => ({ service: `${owner}/registry-data-v1` })),
  );
  const viewer = (agency?: string) => ({ agency }) as Parameters<typeof placeAt>[1];
  expect(placeAt(owners, viewer('A/GOV/X'), 'births')).toMatchObject({
    owner: 'A/GOV/X/one',
    code: 'births',
  });
  expect(placeAt(owners, viewer('A/GOV/Y'), 'two.births')).toMatchObject({ owner: 'A/GOV/Y/two' });
  expect(placeOf(owners('A/GOV/Y'), 'A/GOV/Y/two', 'births').base).toBe('/registries/two.births');
  for (const [agency, key] of [
    ['A/GOV/Z', 'births'],
    [undefined, 'births'],
    ['A/GOV/X', '../x'],
    ['A/GOV/Y', 'births'],
  ] as const)
    expect(() => placeAt(owners, viewer(agency), key)).toThrow('no such registry');
});
