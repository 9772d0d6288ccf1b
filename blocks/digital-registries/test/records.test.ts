import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Agency, at, query, refusal, startAgency, write } from './fixtures/agency.ts';

let agency: Agency;
let code: string;
beforeAll(async () => {
  agency = await startAgency();
});
afterAll(() => agency.node.stop());

const schema = {
  type: 'object',
  properties: {
    'National ID': { type: 'string', id: 1, unique: true, filterable: true },
    Name: { type: 'string', id: 2, searchable: true, filterable: true },
    Village: { type: 'string', id: 3, searchable: true },
    Age: { type: 'integer', id: 4, filterable: true },
    Address: { type: 'object', id: 5, properties: { street: { type: 'string' }, no: { type: 'integer' } } },
    Tags: { type: 'array', id: 6, items: { type: 'string' } },
  },
  required: ['National ID'],
};
const people = [
  ['P1', 'Ana Li', 'North', 30],
  ['P2', 'Bo Wu', 'South', 20],
  ['P3', 'Cy Li', 'North', 40],
  ['P4', 'Di Mo', 'South', undefined],
  ['P5', 'Ana Mo', 'East', 20],
] as const;
const person = ([id, Name, Village, Age]: readonly [string, string, string, number | undefined]) => ({
  'National ID': id,
  Name,
  Village,
  ...(Age === undefined ? {} : { Age }),
});
const fresh = async (): Promise<string> => {
  const made = await agency.publish(schema);
  await agency.data.createRecords({
    params: at(made),
    body: { write: people.map((one) => ({ content: person(one) })) },
  });
  return made;
};
const list = async (asked: Record<string, unknown>) =>
  (await agency.data.listRecords({ params: at(code), query: asked as never, headers: {} })).body;
const search = async (body: object, of = code) =>
  (await agency.data.searchRecords({ params: at(of), body, headers: {} })).body;
const ids = (contents: readonly Record<string, unknown>[]) => contents.map((one) => one['National ID']);

describe('a list', () => {
  beforeAll(async () => {
    code = await fresh();
  });

  it('[REG-8-b][REG-6.1-23] filters by field, orders by it either way, counts, and pages by number or by place', async () => {
    const north = await list({ filter: 'Village', search: 'North', ordering: 'descending' });
    expect(ids(north.results)).toEqual(['P3', 'P1']);
    expect(north).toMatchObject({ count: 2, countIsExact: true, previous: null });
    expect(north.next).toBeUndefined();
    expect(north.records.map(({ rowVersion }) => rowVersion)).toEqual([1, 1]);
    expect(ids((await list({ 'query.Age': '20', 'query.Village': 'South' })).results)).toEqual(['P2']);
    expect(ids((await list({ 'query.Name': '^Ana' })).results)).toEqual(['P1', 'P5']);
    expect(ids((await list({ search: 'li north' })).results)).toEqual(['P1', 'P3']);
    const seen: unknown[] = [];
    let page = await list({ pageSize: 2 });
    for (;;) {
      expect(page.count).toBe(5);
      seen.push(...ids(page.results));
      if (page.next === undefined) break;
      expect(page.next).toMatch(/^\?/);
      page = await list(Object.fromEntries(new URLSearchParams(page.next)));
    }
    expect(seen).toEqual(['P1', 'P2', 'P3', 'P4', 'P5']);
    expect(page.previous).toMatch(/page=2/);
    expect(ids((await list({ pageSize: 2, page: 2 })).results)).toEqual(['P3', 'P4']);
  });

  it('[REG-6.1-23] takes conditions and orders in a body; records without the value come last', async () => {
    const filter = (field: string, operator: string, value?: unknown) => ({ field, operator, value });
    const found = async (...conditions: object[]) =>
      ids((await search({ filter: conditions })).results.map(({ content }) => content));
    expect(await found(filter('Age', 'ge', 30))).toEqual(['P1', 'P3']);
    expect(await found(filter('Age', 'gt', 20), filter('Age', 'lt', 40))).toEqual(['P1']);
    expect(await found(filter('Age', 'isNull'))).toEqual(['P4']);
    expect(await found(filter('Age', 'isNull', false), filter('Village', 'ne', 'North'))).toEqual([
      'P2',
      'P5',
    ]);
    expect(await found(filter('Village', 'in', ['East', 'West']))).toEqual(['P5']);
    expect(await found(filter('Name', 'startsWith', 'A%'))).toEqual([]);
    for (const descending of [false, true]) {
      const pages: unknown[] = [];
      let after: string | undefined;
      do {
        const body = { order: { field: 'Age', descending }, pageSize: 2, ...(after ? { after } : {}) };
        const { results, next } = await search(body);
        pages.push(...results.map(({ content }) => content.Age ?? null));
        after = next;
      } while (after);
      expect(pages).toEqual(descending ? [40, 30, 20, 20, null] : [20, 20, 30, 40, null]);
    }
  });

  it('walks every record once in any order, however many there are of a value', async () => {
    const registry = await agency.publish(schema);
    const ages = fc.array(fc.option(fc.integer({ min: 0, max: 3 }), { nil: undefined }), {
      minLength: 1,
      maxLength: 30,
    });
    let made = 0;
    await fc.assert(
      fc.asyncProperty(
        ages,
        fc.boolean(),
        fc.integer({ min: 1, max: 7 }),
        async (some, descending, pageSize) => {
          const village = `V${made++}`;
          await agency.data.createRecords({
            params: at(registry),
            body: {
              write: some.map((age, index) => ({
                content: person([`${village}-${index}`, 'N', village, age]),
              })),
            },
          });
          const seen: unknown[] = [];
          let after: string | undefined;
          do {
            const page = await search(
              {
                ...query({ Village: village }),
                order: { field: 'Age', descending },
                pageSize,
                ...(after ? { after } : {}),
              },
              registry,
            );
            seen.push(...page.results.map(({ uuid }) => uuid));
            after = page.next;
          } while (after);
          expect(new Set(seen).size).toBe(some.length);
          expect(seen.length).toBe(some.length);
        },
      ),
      { numRuns: 15 },
    );
  });

  it('refuses what it cannot do, naming it, and nothing of a request becomes SQL', async () => {
    const status = async (asked: Record<string, unknown>) => (await refusal(list(asked))).status;
    expect(await status({ filter: 'Nothing', search: 'x' })).toBe(400);
    expect(await status({ filter: "Name' or true --", search: 'x' })).toBe(400);
    expect(await status({ 'query.Name"; drop table registry; --': 'x' })).toBe(400);
    expect(await status({ filter: 'Age', search: 'old' })).toBe(400);
    expect(await status({ ordering: 'sideways' })).toBe(400);
    expect(await status({ pageSize: 1001 })).toBe(400);
    expect(await status({ page: 5000 })).toBe(400);
    expect(await status({ cursor: 'nonsense' })).toBe(400);
    expect((await refusal(search({ order: { field: 'Address' } }))).status).toBe(400);
    expect(
      (await refusal(search({ filter: [{ field: 'Name', operator: 'like', value: '%' }] }))).status,
    ).toBe(400);
    expect(ids((await list({ filter: 'Name', search: "x' or '1'='1" })).results)).toEqual([]);
    expect((await list({})).count).toBe(5);
  });
});

describe('records', () => {
  beforeAll(async () => {
    code = await fresh();
  });
  const updateMany = async (sought: Record<string, unknown>, content: Record<string, unknown>) =>
    (await agency.data.updateRecords({ params: at(code), body: { ...query(sought), ...write(content) } }))
      .body.count;
  const upsert = async (sought: Record<string, unknown>, content: Record<string, unknown>) =>
    (
      await agency.data.updateOrCreateRecord({
        params: at(code),
        body: { ...query(sought), ...write(content) },
      })
    ).body;

  it('[REG-8-e] are changed one or all that match; more than one is a conflict, none of all is fine', async () => {
    const one = { ...query({ Village: 'North' }), ...write({ Age: 1 }) };
    expect(
      (await refusal(agency.data.updateRecord({ params: at(code), headers: {}, body: one }))).status,
    ).toBe(409);
    expect(await updateMany({ Village: 'North' }, { Age: 31, Tags: ['x'] })).toBe(2);
    expect(await updateMany({ Village: 'Nowhere' }, { Age: 31 })).toBe(0);
    expect((await refusal(updateMany({}, { Age: 0 }))).status).toBe(400);
    const { results } = await search(query({ Age: 31 }));
    expect(
      results.map(({ content, rowVersion }) => [content['National ID'], content.Tags, rowVersion]),
    ).toEqual([
      ['P1', ['x'], 2],
      ['P3', ['x'], 2],
    ]);
    // One of those that match would break the rules: none is changed.
    expect((await refusal(updateMany({ Village: 'South' }, { 'National ID': 'P9' }))).status).toBe(409);
    expect((await search(query({ 'National ID': 'P9' }))).count).toBe(0);
  });

  it('[REG-6.1-5-a] are changed or created, one however many ask at once, and the repeat makes no other', async () => {
    const all = await Promise.all(
      Array.from({ length: 6 }, () => upsert({ 'National ID': 'U1' }, { 'National ID': 'U1', Name: 'Uma' })),
    );
    expect(new Set(all.map(({ uuid }) => uuid)).size).toBe(1);
    expect((await upsert({ 'National ID': 'U1' }, { Age: 5 })).content).toMatchObject({
      Name: 'Uma',
      Age: 5,
    });
    const moved = await upsert({ 'National ID': 'U1' }, { 'National ID': 'U2' });
    expect((await upsert({ 'National ID': 'U1' }, { 'National ID': 'U2' })).uuid).toBe(moved.uuid);
    expect((await refusal(upsert({ Village: 'South' }, { Age: 1 }))).status).toBe(409);
    expect((await refusal(upsert({ 'National ID': 'U9' }, { Name: 'No id' }))).status).toBe(400);
  });

  it('[REG-8-g] give single values by uuid or registry number, with spaces in names and objects inside', async () => {
    const made = (
      await agency.data.createRecord({
        params: at(code),
        body: write({ 'National ID': 'V1', Address: { street: 'Main', no: 3 } }),
      })
    ).body;
    const value = async (id: string, fieldAndType: string) =>
      (await agency.data.readValue({ params: { ...at(code), id, fieldAndType }, headers: {} })).body;
    expect(await value(made.uuid, 'National ID.json')).toBe('V1');
    expect(await value(made.number, 'Address.json')).toEqual({ street: 'Main', no: 3 });
    expect((await refusal(value(made.uuid, 'Name.json'))).status).toBe(404);
    expect((await refusal(value(made.uuid, 'uuid.json'))).status).toBe(404);
    expect((await refusal(value('nobody', 'Name.json'))).status).toBe(404);
    expect((await search(query({ Address: { no: 3 } }))).results[0]?.uuid).toBe(made.uuid);
  });

  it('[REG-8-f][REG-6.1-5-b][REG-4.1-c][REG-6.1-5-c] are deleted one or many, archived, and brought back', async () => {
    const count = async () => (await search({ countAll: true })).count;
    const before = await count();
    const { uuid, number } = (await search(query({ 'National ID': 'P5' }))).results[0] as {
      uuid: string;
      number: string;
    };
    await agency.data.archiveRecord({ params: { ...at(code), id: number } });
    expect(await count()).toBe(before - 1);
    await agency.data.restoreRecord({ params: { ...at(code), id: uuid }, body: {} });
    expect(await count()).toBe(before);
    const remove = (sought: Record<string, unknown>) =>
      agency.data.deleteRecords({ params: at(code), body: query(sought) });
    expect((await remove({ Village: 'South' })).body.count).toBe(2);
    expect((await remove({ Village: 'South' })).body.count).toBe(0);
    expect((await refusal(remove({}))).status).toBe(400);
    expect(await count()).toBe(before - 2);
    expect((await agency.data.deleteRecord({ params: { ...at(code), id: 'nobody' } })).status).toBe(204);
    expect((await refusal(agency.data.archiveRecord({ params: { ...at(code), id: 'nobody' } }))).status).toBe(
      404,
    );
  });

  it('with characters no column takes are refused, and the next one is taken', async () => {
    for (const Name of ['a\0b', '\ud800', 'x\udfff'])
      expect(
        (
          await refusal(
            agency.data.createRecord({ params: at(code), body: write({ 'National ID': 'Z', Name }) }),
          )
        ).status,
      ).toBe(400);
    const { content } = (
      await agency.data.createRecord({
        params: at(code),
        body: write({ 'National ID': 'Z', Name: 'back\\u0000slash 😀' }),
      })
    ).body;
    expect(content.Name).toBe('back\\u0000slash 😀');
  });

  it('[REG-6.1-5-c] tell their schema, to others as far as they see it', async () => {
    const read = async (data = agency.data) =>
      (await data.readSchema({ params: at(code), headers: {} })).body;
    expect(Object.keys((await read()).properties as object)).toEqual(Object.keys(schema.properties));
    const stranger = 'TEST/GOV/MSP/cash-transfer';
    await agency.database.putAccess({
      params: { code },
      body: { application: stranger, methods: ['read'], fields: ['Village'] },
    });
    const seen = await read(agency.dataAs(stranger));
    expect(Object.keys(seen.properties as object)).toEqual(['Village']);
    expect(seen.required).toEqual([]);
  });
});
