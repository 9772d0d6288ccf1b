import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import type { Kysely } from 'kysely';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Attributes, resolve, toPath, toSql } from '../src/access/predicate.ts';
import { registryRights } from '../src/api/operations.ts';
import type { Comparison, Condition, Right } from '../src/api/rights/right.ts';
import { behindWall } from '../src/records/wall.ts';
import { openCatalogue } from '../src/schema/catalogue.ts';
import { createKeyring } from '../src/secrets/keyring.ts';
import type { RegistryTables } from '../src/tables.ts';
import { type Agency, at, agency as owner, query, startAgency } from './fixtures/agency.ts';

const portal = 'TEST/GOV/DGA/portal';
const names = ['key', 'text', 'count', 'price', 'flag', 'day', 'moment', 'hour', 'other'] as const;
type Name = (typeof names)[number];
type Value = string | number | boolean;
type Content = Partial<Record<Name, Value>>;
const schema = {
  type: 'object',
  properties: {
    key: { type: 'string', primaryKey: true },
    text: { type: 'string' },
    count: { type: 'integer' },
    price: { type: 'number' },
    flag: { type: 'boolean' },
    day: { type: 'string', format: 'date' },
    moment: { type: 'string', format: 'date-time' },
    hour: { type: 'string', format: 'time' },
    other: { type: 'string' },
  },
};
const values: Readonly<Record<Name, readonly Value[]>> = {
  key: ['k0', 'k1', 'k2'],
  text: ['a', 'b', 'é "quoted" \\ x', ''],
  count: [-1, 0, 7, 2_000_000_000],
  price: [0.1, 7, 7.25],
  flag: [true, false],
  day: ['1999-12-31', '2020-02-29'],
  moment: ['2020-01-01T00:00:00.000Z', '2020-01-01T00:00:00.500Z', '2020-01-01T00:00:01.000Z'],
  hour: ['00:00:00Z', '13:30:00Z'],
  other: ['a', 'b', 'c'],
};
const ordered: readonly Name[] = ['count', 'price', 'day', 'moment', 'hour'];

let agency: Agency;
let code: string;
let records: Content[];
let db: Kysely<RegistryTables>;
beforeAll(async () => {
  agency = await startAgency({ consoles: [portal] });
  db = agency.node.database('digital-registries');
  code = await agency.publish(schema);
  records = fc
    .sample(
      fc.record(Object.fromEntries(names.map((name) => [name, fc.option(fc.constantFrom(...values[name]))]))),
      {
        numRuns: 40,
        seed: 7,
      },
    )
    .map((one, index) => ({
      ...Object.fromEntries(Object.entries(one).filter(([, value]) => value !== null)),
      key: `k${index}`,
    }));
  await agency.data.createRecords({
    params: at(code),
    body: { write: records.map((content) => ({ content })) },
  });
});
afterAll(() => agency.node.stop());

const attributes: Readonly<Record<string, readonly string[]>> = {
  person: ['a'],
  roles: ['clerk', 'b'],
  agency: ['TEST/GOV/CRA'],
  acr: [],
};
const attributesOf: Attributes = (name) => attributes[name] ?? [];

const comparison: fc.Arbitrary<Comparison> = fc.oneof(
  fc.constantFrom(...names).chain((field) =>
    fc.oneof(
      fc.record({
        field: fc.constant(field),
        operator: fc.constantFrom('eq', 'ne'),
        value: fc.constantFrom(...values[field]),
      }),
      fc.record({
        field: fc.constant(field),
        operator: fc.constantFrom('in', 'notIn'),
        value: fc.subarray([...values[field]]),
      }),
      fc.record({
        field: fc.constant(field),
        operator: fc.constant('isNull' as const),
        value: fc.boolean(),
      }),
    ),
  ),
  fc.constantFrom(...ordered).chain((field) =>
    fc.record({
      field: fc.constant(field),
      operator: fc.constantFrom('lt', 'le', 'gt', 'ge'),
      value: fc.constantFrom(...values[field]),
    }),
  ),
  fc.record({
    field: fc.constant('text'),
    operator: fc.constantFrom('eq', 'ne'),
    value: fc.constant({ field: 'other' }),
  }),
  fc.record({
    field: fc.constantFrom('text', 'other'),
    operator: fc.constantFrom('eq', 'in', 'notIn', 'ne'),
    value: fc.constantFrom({ caller: 'person' }, { caller: 'roles' }, { caller: 'acr' }),
  }),
  fc.record({
    caller: fc.constantFrom('roles', 'person'),
    operator: fc.constantFrom('eq', 'ne', 'in'),
    value: fc.constantFrom('a', 'b', 'z'),
  }),
) as fc.Arbitrary<Comparison>;
const condition: fc.Arbitrary<Condition> = fc.array(fc.array(comparison, { minLength: 1, maxLength: 3 }), {
  minLength: 1,
  maxLength: 3,
});

/** What a condition means, said a second time and otherwise. */
const holds = (one: Condition | undefined, record: Content): boolean =>
  one === undefined || one.some((list) => list.every((each) => met(each, record)));
function met({ field, caller, operator, value }: Comparison, record: Content): boolean {
  const left: readonly Value[] = caller
    ? attributesOf(caller)
    : [record[field as Name]].filter((it) => it !== undefined);
  if (operator === 'isNull') return (left.length === 0) === value;
  const given = typeof value === 'object' && !Array.isArray(value) ? value : undefined;
  const right: readonly Value[] =
    given === undefined
      ? ([value].flat() as Value[])
      : 'caller' in given
        ? attributesOf(given.caller)
        : [record[given.field as Name]].filter((it) => it !== undefined);
  const comparable = given === undefined || right.length > 0;
  switch (operator) {
    case 'eq':
    case 'in':
      return left.some((it) => right.includes(it));
    case 'ne':
    case 'notIn':
      return left.length > 0 && comparable && !left.some((it) => right.includes(it));
    default: {
      const [a, b] = [left[0], right[0]];
      if (a === undefined || b === undefined) return false;
      return operator === 'lt' ? a < b : operator === 'le' ? a <= b : operator === 'gt' ? a > b : a >= b;
    }
  }
}

describe('what rights compile to', () => {
  it('means the same behind either wall, and the second one holds alone when a statement forgets the first', async () => {
    const { registry } = await openCatalogue(db, createKeyring(randomBytes(32))).find(owner, code, 'latest');
    const fieldOf = (name: unknown) => registry.fields.find((field) => field.name === name);
    const table = sql.id('reg', `r_${registry.id}`);
    const [key] = registry.fields;
    const keys = async (on: Kysely<RegistryTables>, where = sql<boolean>`true`) => {
      const { rows } = await sql<{ key: string }>`
        select ${sql.id(key?.column ?? '')} as key from ${table} where ${where} order by uuid`.execute(on);
      return rows.map((row) => row.key);
    };
    await fc.assert(
      fc.asyncProperty(condition, async (one) => {
        const predicate = resolve(one, fieldOf, attributesOf);
        const expected = records.filter((record) => holds(one, record)).map((record) => record.key);
        expect(await keys(db, toSql(predicate) as ReturnType<typeof sql<boolean>>)).toEqual(expected);
        expect(await behindWall(db, { wall: toPath(predicate) }, keys)).toEqual(expected);
      }),
      { numRuns: 100 },
    );
    // Whoever says nothing, or nonsense, sees nothing; and nothing is written from behind the wall.
    expect(await behindWall(db, { wall: '' }, keys)).toEqual([]);
    const write = behindWall(db, { wall: '1 == 1' }, (on) => sql`delete from ${table}`.execute(on));
    await expect(write).rejects.toMatchObject({ code: '42501' });
    const logs = behindWall(db, { wall: '1 == 1' }, (on) => sql`select from change_content`.execute(on));
    await expect(logs).rejects.toMatchObject({ code: '42501' });
    // The connection is itself again.
    expect(await keys(db)).toHaveLength(records.length);
  });

  it('[REG-6.1-6-a][REG-6.1-6-f][REG-6.1-6-g] never shows a hidden record or field, in any answer, nor by any question', async () => {
    const rights = agency.node.client(registryRights, { as: owner, service: `${owner}/registry-rights-v1` });
    const personToken = await agency.node.token({ id: 'a', roles: ['clerk', 'b'], agency: 'TEST/GOV/CRA' });
    const data = agency.dataAs(portal);
    const rule = fc.record(
      {
        field: fc.constantFrom(...names),
        show: fc.constantFrom('plain', 'hidden', 'redact'),
        when: condition,
      },
      { requiredKeys: ['field', 'show'] },
    );
    const right = fc.record(
      {
        subject: fc.constant({ kind: 'role' as const, role: 'clerk' }),
        methods: fc.constant(['list', 'read', 'exists'] as Right['methods']),
        rows: condition,
        fields: fc.uniqueArray(rule, { selector: ({ field }) => field, maxLength: 5 }),
        otherFields: fc.constantFrom('plain', 'hidden'),
      },
      { requiredKeys: ['subject', 'methods'] },
    ) as fc.Arbitrary<Right>;
    const question = fc
      .constantFrom(...names)
      .chain((field) => fc.tuple(fc.constant(field), fc.constantFrom(...values[field])));

    await fc.assert(
      fc.asyncProperty(
        fc.array(right, { minLength: 1, maxLength: 3 }),
        fc.array(question, { maxLength: 3 }),
        async (given, questions) => {
          for (const [index, body] of given.entries())
            await rights.putRight({ params: { code, name: `r${index}` }, body });
          for (let index = given.length; index < 3; index += 1)
            await rights.deleteRight({ params: { code, name: `r${index}` } });

          const shows = (one: Right, name: Name, record: Content): string => {
            if (!holds(one.rows, record)) return 'hidden';
            const said = one.fields?.find(({ field }) => field === name);
            if (!said) return one.otherFields ?? (one.fields ? 'hidden' : 'plain');
            return holds(said.when, record) ? (said.show ?? 'plain') : 'hidden';
          };
          const seen = (record: Content): Content => {
            const content: Content = {};
            for (const name of names) {
              if (record[name] === undefined) continue;
              const ways = given.map((one) => shows(one, name, record));
              if (ways.includes('plain')) content[name] = record[name] as Value;
              else if (ways.includes('redact')) content[name] = '••••';
            }
            return content;
          };
          const visible = records.filter((record) => given.some((one) => holds(one.rows, record)));
          const expected = visible.map(seen);
          const search = async (body: object) =>
            (await data.searchRecords({ params: at(code), body, headers: {}, personToken })).body;
          const all = await search({ countAll: true });
          expect(all.results.map(({ content }) => content)).toEqual(expected);
          expect(all.count).toBe(expected.length);

          for (const [field, value] of questions) {
            const matching = expected.filter((content) => content[field] === value);
            const answers = await search(query({ [field]: value })).catch(() => undefined);
            // Refused when the field is hidden or masked somewhere, and answered as what is shown otherwise.
            if (answers === undefined) continue;
            expect(answers.results.map(({ content }) => content)).toEqual(matching);
            const exists = await data.recordExists({
              params: at(code),
              body: query({ [field]: value }),
              headers: {},
              personToken,
            });
            expect(exists.body.answer.status).toBe(matching.length > 0);
            const ordered = await search({ order: { field }, pageSize: 100 });
            const said = ordered.results
              .map(({ content }) => content[field])
              .filter((one) => one !== undefined);
            expect(said).toHaveLength(expected.filter((content) => content[field] !== undefined).length);
            expect(said).toEqual(
              said.toSorted((a, b) => (typeof a === 'string' ? 0 : Number(a) - Number(b))),
            );
            const read = await data
              .readRecord({ params: at(code), body: query({ [field]: value }), headers: {}, personToken })
              .catch(() => undefined);
            expect(read?.body.content).toEqual(matching[0]);
          }
        },
      ),
      { numRuns: 20 },
    );
  });
});
