import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { percentile } from '../src/statistics/uses.ts';
import {
  type Agency,
  at,
  agency as owner,
  query,
  refusal,
  startAgency,
  stranger,
  write,
} from './fixtures/agency.ts';

const schema = {
  type: 'object',
  properties: {
    ID: { type: 'string', id: 1, unique: true, owner: true, personal: true },
    Village: { type: 'string', id: 2, filterable: true },
    Sex: { type: 'string', id: 3, enum: ['f', 'm'], personal: true },
    Born: { type: 'string', format: 'date', id: 4, personal: true },
    Income: { type: 'integer', id: 5 },
    Active: { type: 'boolean', id: 6 },
    Seen: { type: 'string', format: 'date-time', id: 7 },
    Tags: { type: 'array', id: 8 },
  },
};
const people = [
  ['S1', 'North', 'f', '1990-02-01', 10, true],
  ['S2', 'North', 'm', '1990-02-20', 20, true],
  ['S3', 'North', 'f', '1990-05-01', 30, false],
  ['S4', 'North', 'f', '2001-05-01', 99, undefined],
  ['S5', 'North', 'f', '2001-05-01', 100, undefined],
  ['S6', 'North', 'f', '2001-05-01', 200, undefined],
  ['S7', 'South', 'm', '2001-05-02', undefined, undefined],
  ['S8', 'South', 'm', undefined, undefined, undefined],
  ['S9', '=cmd|calc', 'm', undefined, undefined, undefined],
] as const;

let agency: Agency;
let code: string;
beforeAll(async () => {
  agency = await startAgency();
  code = await agency.publish(schema);
  await agency.data.createRecords({
    params: at(code),
    body: {
      write: people.map(([ID, Village, Sex, Born, Income, Active]) => ({
        content: Object.fromEntries(
          Object.entries({ ID, Village, Sex, Born, Income, Active }).filter(
            ([, value]) => value !== undefined,
          ),
        ),
      })),
    },
  });
});
afterAll(() => agency.node.stop());

const ask = async (body: object, as = owner, of = code) =>
  (await agency.insightAs(as).queryStatistics({ params: { code: of }, headers: {}, body: body as never }))
    .body;
const counts = async (body: object, as = owner) =>
  (await ask(body, as)).groups.map(({ group, count }) => [...Object.values(group), count]);

describe('statistics', () => {
  it('[REG-6.1-26-a][REG-4.1-g] count records with filters, by values, ranges, dates, and over time', async () => {
    expect(await ask({ measure: 'records' })).toMatchObject({ total: 9, approximate: false, suppressed: 0 });
    expect(await counts({ measure: 'records', by: [{ field: 'Village' }] })).toEqual([
      ['=cmd|calc', 1],
      ['North', 6],
      ['South', 2],
    ]);
    expect(await counts({ measure: 'records', by: [{ field: 'Income', ranges: [20, 100] }] })).toEqual([
      ['100 and above', 2],
      ['20 to below 100', 3],
      ['below 20', 1],
      [null, 3],
    ]);
    expect(await counts({ measure: 'records', by: [{ field: 'Born', time: 'month' }] })).toEqual([
      ['1990-02-01', 2],
      ['1990-05-01', 1],
      ['2001-05-01', 4],
      [null, 2],
    ]);
    expect(
      await counts({
        measure: 'records',
        by: [{ field: 'Active' }, { field: 'Sex' }],
        filter: [{ field: 'Village', operator: 'eq', value: 'North' }],
      }),
    ).toEqual([
      [false, 'f', 1],
      [true, 'f', 1],
      [true, 'm', 1],
      [null, 'f', 3],
    ]);
    const today = new Date().toISOString().slice(0, 10);
    expect(await counts({ measure: 'records', by: [{ time: 'day' }] })).toEqual([[today, 9]]);
    expect((await ask({ measure: 'records', to: '2001-01-01T00:00:00Z' })).total).toBe(0);
  });

  it('[REG-6.1-26-a] count what happened: created, changed, deleted over time, and by data element', async () => {
    const made = await agency.publish(schema);
    const params = at(made);
    for (const ID of ['H1', 'H2', 'H3'])
      await agency.data.createRecord({ params, body: write({ ID, Village: 'A', Income: 1 }) });
    const change = (ID: string, content: Record<string, unknown>) =>
      agency.data.updateRecord({ params, headers: {}, body: { ...query({ ID }), ...write(content) } });
    await change('H1', { Village: 'B' });
    await change('H1', { Village: 'C', Income: 2 });
    await agency.data.deleteRecords({ params, body: query({ ID: 'H3' }) });
    const day = new Date().toISOString().slice(0, 10);
    const of = async (body: object) =>
      (await ask(body, owner, made)).groups.map(({ group, count }) => [...Object.values(group), count]);
    expect(await of({ measure: 'created', by: [{ time: 'day' }] })).toEqual([[day, 3]]);
    expect(await of({ measure: 'changed', by: [{ time: 'year' }] })).toEqual([
      [`${day.slice(0, 4)}-01-01`, 2],
    ]);
    expect(await of({ measure: 'deleted' })).toEqual([[1]]);
    expect(await of({ measure: 'fields-changed' })).toEqual([
      ['Income', 1],
      ['Village', 2],
    ]);
    expect(await of({ measure: 'created', by: [{ field: 'Village' }] })).toEqual([
      ['A', 2],
      ['C', 1],
    ]);
    expect(await of({ measure: 'changed', to: `${day}T00:00:00Z` })).toEqual([[0]]);
  });

  it('[REG-6.2-36] tell others what they may list, and no small groups of people', async () => {
    await agency.database.putAccess({
      params: { code },
      body: { application: stranger, methods: ['list'], fields: ['Village', 'Income'] },
    });
    const result = await ask({ measure: 'records', by: [{ field: 'Village' }] }, stranger);
    expect(result).toMatchObject({ suppressed: 2, total: null });
    expect(result.groups.map(({ count }) => count)).toEqual([null, 6, null]);
    // Alone, the group that is hidden would be the rest of the whole.
    const alone = await ask(
      {
        measure: 'records',
        by: [{ field: 'Village' }],
        filter: [{ field: 'Village', operator: 'ne', value: 'South' }],
      },
      stranger,
    );
    expect(alone.groups.map(({ count }) => count)).toEqual([null, null]);
    expect((await ask({ measure: 'records' }, stranger)).total).toBe(9);
    const few = { measure: 'records', filter: [{ field: 'Village', operator: 'eq', value: 'South' }] };
    expect(await ask(few, stranger)).toMatchObject({ total: null, groups: [{ count: null }] });
    expect((await refusal(ask({ measure: 'records', by: [{ field: 'Sex' }] }, stranger))).status).toBe(400);
    expect((await refusal(ask({ measure: 'records' }, 'TEST/GOV/LRA/tax'))).status).toBe(404);
  });

  it('never tell of persons one by one, and put on record when persons are sought', async () => {
    expect((await refusal(ask({ measure: 'records', by: [{ field: 'ID' }] }))).status).toBe(400);
    expect((await refusal(ask({ measure: 'records', by: [{ field: 'Born' }] }))).status).toBe(400);
    expect((await refusal(ask({ measure: 'records', by: [{ field: 'Born', time: 'day' }] }))).status).toBe(
      400,
    );
    await ask({ measure: 'records', filter: [{ field: 'ID', operator: 'eq', value: 'S1' }] });
    const usage = (await agency.insight.readUsageReport({ body: { identifier: 'S1' } })).body.entries;
    expect(usage.map(({ method }) => method)).toContain('exists');
  });

  it('refuse what cannot be answered', async () => {
    const bad: object[] = [
      { measure: 'nothing' },
      { measure: 'records', by: [{}] },
      { measure: 'records', by: [{ field: 'Nothing' }] },
      { measure: 'records', by: [{ field: 'Tags' }] },
      { measure: 'records', by: [{ field: 'Village', time: 'day' }] },
      { measure: 'records', by: [{ field: 'Village', ranges: [1] }] },
      { measure: 'records', by: [{ field: 'Income', ranges: [2, 1] }] },
      { measure: 'records', by: [{ field: 'Village' }, { field: 'Village' }] },
      { measure: 'records', by: Array.from({ length: 4 }, () => ({ time: 'day' })) },
      { measure: 'records', filter: [{ field: 'Income', operator: 'gt', value: 'many' }] },
      { measure: 'records', filter: [{ field: 'Village', operator: 'eq', parameter: 'village' }] },
      { measure: 'created', from: '2026-01-02T00:00:00Z', to: '2026-01-01T00:00:00Z' },
    ];
    for (const body of bad) expect((await refusal(ask(body))).status, JSON.stringify(body)).toBe(400);
  });

  it('of many records are estimates of the planner, and say so', async () => {
    const made = await agency.publish({ type: 'object', properties: { A: { type: 'integer', id: 1 } } });
    const db = agency.node.database('digital-registries');
    const { rows } = await sql<{ id: string }>`select id from registry where code = ${made}`.execute(db);
    const table = sql.id('reg', `r_${rows[0]?.id}`);
    await sql`
      insert into ${table} (uuid, no, schema_version, created_at, modified_at, f_1)
      select gen_random_uuid(), n::text, '1.0', now(), now(), n % 4
      from generate_series(1, 150000) n`.execute(db);
    await sql`analyze ${table}`.execute(db);
    const told = await ask({ measure: 'records' }, owner, made);
    expect(told.approximate).toBe(true);
    expect(Math.abs((told.total ?? 0) - 150_000)).toBeLessThan(15_000);
    expect(await ask({ measure: 'records', exact: true }, owner, made)).toMatchObject({
      total: 150_000,
      approximate: false,
    });
  });
});

describe('a saved report', () => {
  const report = {
    title: 'By sex in a village',
    registry: '',
    query: {
      measure: 'records',
      by: [{ field: 'Sex' }],
      filter: [{ field: 'Village', operator: 'eq', parameter: 'village' }],
    },
    dashboard: 'Overview',
    chart: 'bar',
  };

  it('[REG-6.1-26-b][REG-6.1-26-c] is kept as data, run with parameters, and pulled as JSON or CSV', async () => {
    const params = { name: 'sex-in-village' };
    const body = { ...report, registry: code } as never;
    await agency.insight.putReport({ params, body });
    expect((await agency.insight.listReports({})).body).toMatchObject([
      { name: 'sex-in-village', dashboard: 'Overview', chart: 'bar', registry: code },
    ]);
    const run = async (parameters: object) =>
      (await agency.insight.runReport({ params, headers: {}, body: { parameters: { ...parameters } } })).body
        .groups;
    expect(await run({ village: 'North' })).toEqual([
      { group: { Sex: 'f' }, count: 5 },
      { group: { Sex: 'm' }, count: 1 },
    ]);
    expect((await refusal(run({}))).status).toBe(400);
    expect((await refusal(run({ village: 'North', other: 1 }))).status).toBe(400);
    const csv = await agency.insight.exportReport({
      params,
      headers: {},
      body: { parameters: { village: 'North' } },
    });
    expect(csv.body).toBe('Sex,count\r\nf,5\r\nm,1\r\n');
    const villages = await agency.insight.exportStatistics({
      params: { code },
      headers: {},
      body: { measure: 'records', by: [{ field: 'Village' }] },
    });
    expect(villages.body).toContain("'=cmd|calc,1");
    expect((await refusal(agency.insightAs(stranger).putReport({ params, body }))).status).toBe(403);
    await agency.insight.deleteReport({ params });
    expect((await refusal(run({ village: 'North' }))).status).toBe(404);
  });
});

describe('uses', () => {
  it('[REG-6.1-12][REG-4.1-g] of the APIs and searches are counted by registry, operation, application and day, with times', async () => {
    const made = await agency.publish(schema);
    const params = at(made);
    await agency.data.createRecord({ params, body: write({ ID: 'V1' }) });
    for (let n = 0; n < 3; n += 1) await agency.data.searchRecords({ params, headers: {}, body: {} });
    await agency.data.listRecords({ params, headers: {}, query: {} });
    await refusal(agency.data.createRecord({ params, body: write({ Nothing: 1 }) }));
    await refusal(agency.dataAs(stranger).searchRecords({ params, headers: {}, body: {} }));
    const uses = async (body: object) => (await agency.insight.queryUses({ body })).body;
    const of = await uses({ registry: made, by: ['operation', 'application'] });
    expect(of.map(({ group, calls }) => [group.operation, group.application, calls])).toEqual([
      ['createRecord', owner, 1],
      ['listRecords', owner, 1],
      ['publishDraft', owner, 1],
      ['putDraft', owner, 1],
      ['searchRecords', owner, 3],
    ]);
    const [searches] = await uses({ registry: made, searches: true });
    expect(searches?.calls).toBe(4);
    expect(searches?.p95Ms).toBeGreaterThanOrEqual(searches?.p50Ms ?? 0);
    expect(searches?.meanMs).toBeGreaterThan(0);
    const refused = (await uses({ by: ['operation', 'outcome'] })).filter(
      ({ group }) => group.outcome === 'refused',
    );
    expect(refused.find(({ group }) => group.operation === 'createRecord')?.refused).toBeGreaterThanOrEqual(
      1,
    );
    const today = new Date().toISOString().slice(0, 10);
    expect((await uses({ by: ['day'] })).map(({ group }) => group.day)).toEqual([today]);
    expect((await refusal(agency.insightAs(stranger).queryUses({ body: {} }))).status).toBe(403);
  });

  it('have percentiles within the bucket in which they lie', () => {
    expect(percentile([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], 0.5)).toBe(0);
    expect(percentile([0, 0, 0, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0], 0.5)).toBe(7.5);
    expect(percentile([90, 0, 0, 0, 0, 0, 0, 0, 10, 0, 0, 0, 0], 0.95)).toBe(375);
  });
});
