import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { registryViews } from '../src/api/operations.ts';
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

let agency: Agency;
let url: string;
beforeAll(async () => {
  agency = await startAgency({ openDataCacheSeconds: 0, openDataRequestsPerMinute: 80 });
  url = await agency.node.listen({ port: 0 });
});
afterAll(() => agency.node.stop());

const viewsAs = (as: string) =>
  agency.node.client(registryViews, { as, service: `${owner}/registry-views-v1` });
let made = 0;
const put = async (registry: string, definition: object, code = `view-${++made}`): Promise<string> => {
  const body = { registry, name: code, definition } as never;
  await viewsAs(owner).putView({ params: { code }, body });
  return code;
};
const page = async (code: string, asked: Record<string, unknown> = {}, as = owner) =>
  (await viewsAs(as).readRecords({ params: { code }, query: asked as never })).body;
const results = async (code: string, asked: Record<string, unknown> = {}, as = owner) =>
  (await page(code, asked, as)).results;
const pointers = async (call: Promise<unknown>) => {
  const { status, problem } = await refusal(call);
  return [status, ...(problem?.errors ?? []).map(({ pointer }) => pointer)];
};

const ownerSchema = {
  type: 'object',
  properties: {
    'National ID': { type: 'string', id: 1, unique: true, owner: true, personal: true },
    Name: { type: 'string', id: 2, personal: true },
    District: { type: 'string', id: 3 },
  },
};
const plotSchema = (of: string) => ({
  type: 'object',
  properties: {
    Number: { type: 'string', id: 1, primaryKey: true },
    Area: { type: 'integer', id: 2 },
    Use: { type: 'string', id: 3 },
    Owner: {
      type: 'string',
      id: 4,
      personal: true,
      foreignKeys: [{ databaseKey: of, kind: 'soft', values: [{ fieldKey: 1 }] }],
    },
    Note: { type: 'string', id: 5 },
    Pin: { type: 'string', id: 6, secret: true },
  },
});
const plots = [
  { Number: 'P1', Area: 10, Use: 'crops', Owner: 'N1', Note: '=1+1' },
  { Number: 'P2', Area: 30, Use: 'crops', Owner: 'N2', Note: 'a "b", c' },
  { Number: 'P3', Area: 20, Use: 'homes', Owner: 'N1', Note: '+256700000000' },
  { Number: 'P4', Area: -5, Use: 'homes', Note: 'line\nbreak' },
];
const land = async (details: object = {}) => {
  const owners = await agency.publish(ownerSchema);
  const people = ['N1', 'N2'].map((id) => ({
    content: { 'National ID': id, Name: `Name of ${id}`, District: 'North' },
  }));
  await agency.data.createRecords({ params: at(owners), body: { write: people } });
  const code = await agency.publish(plotSchema(owners), details);
  await agency.data.createRecords({
    params: at(code),
    body: { write: plots.map((content) => ({ content })) },
  });
  return { owners, code };
};
const records = (fields: readonly (string | { field: string; as: string })[], rest: object = {}) => ({
  kind: 'records',
  fields: fields.map((field) => (typeof field === 'string' ? { field } : field)),
  ...rest,
});
const republish = async (code: string, schema: object, acceptBreaking = false) => {
  const { report } = (await agency.database.putDraft({ params: { code }, body: { schema } })).body;
  return {
    report,
    publish: () => agency.database.publishDraft({ params: { code }, body: { acceptBreaking } }),
  };
};

describe('a view of records', () => {
  it('[REG-6.1-5-e][REG-6.1-9-a] shows some fields under names of its own, some records, in its order, and pages them', async () => {
    const { code } = await land();
    const view = await put(
      code,
      records([{ field: 'Number', as: 'plot' }, 'Area'], {
        filter: [{ field: 'Area', operator: 'gt', value: 0 }],
        order: { field: 'Area', descending: true },
      }),
    );
    expect(await results(view)).toEqual([
      { plot: 'P2', Area: 30 },
      { plot: 'P3', Area: 20 },
      { plot: 'P1', Area: 10 },
    ]);
    expect(await results(view, { filter: 'plot', search: 'P3' })).toEqual([{ plot: 'P3', Area: 20 }]);
    expect(await results(view, { 'query.plot': 'P4' })).toEqual([]);
    expect((await results(view, { filter: 'Area', ordering: 'ascending' })).map(({ Area }) => Area)).toEqual([
      10, 20, 30,
    ]);
    const first = await page(view, { pageSize: 2 });
    expect(first).toMatchObject({ count: 3, countIsExact: true, previous: null });
    const second = await page(view, Object.fromEntries(new URLSearchParams(first.next)));
    expect(second.results).toEqual([{ plot: 'P1', Area: 10 }]);
    expect(second.next).toBeUndefined();
    // Neither a field that is not in the view nor the registry's name of one that is.
    for (const probe of [{ 'query.Use': 'crops' }, { filter: 'Number', search: 'P1' }, { search: 'P1' }])
      expect((await refusal(page(view, probe))).status).toBe(400);
    const uuid = first.uuids?.[1] as string;
    const one = async (body: object) =>
      (await viewsAs(owner).readRecord({ params: { code: view }, body: body as never })).body;
    expect((await one({ uuid })).content).toEqual({ plot: 'P3', Area: 20 });
    expect((await one(query({ plot: 'P3' }))).uuid).toBe(uuid);
    expect((await refusal(one(query({ plot: 'P4' })))).status).toBe(404);
    expect((await refusal(one(query({ Use: 'crops' })))).status).toBe(400);
    expect((await refusal(one(query({})))).status).toBe(400);
  });

  it('[REG-6.1-9-a][REG-6.1-6-f] never shows a field, a joined one neither, whose right is missing', async () => {
    const { code, owners } = await land();
    const view = await put(
      code,
      records(['Number', 'Owner', 'Use'], {
        joins: [{ field: 'Owner', fields: [{ field: 'Name', as: 'owner' }] }],
      }),
    );
    expect((await results(view))[0]).toEqual({
      Number: 'P1',
      Owner: 'N1',
      Use: 'crops',
      owner: 'Name of N1',
    });
    expect((await results(view))[3]).toEqual({ Number: 'P4', Use: 'homes' });
    expect((await refusal(page(view, {}, stranger))).status).toBe(404);
    const grant = (registry: string, fields: string[], methods: ('list' | 'read')[]) =>
      agency.database.putAccess({
        params: { code: registry },
        body: { application: stranger, methods, fields },
      });
    await grant(code, ['Number', 'Owner'], ['list']);
    expect((await results(view, {}, stranger))[0]).toEqual({ Number: 'P1', Owner: 'N1' });
    await grant(owners, ['District'], ['read']);
    expect((await results(view, {}, stranger))[0]).toEqual({ Number: 'P1', Owner: 'N1' });
    await grant(owners, ['Name'], ['read']);
    expect((await results(view, {}, stranger))[0]).toEqual({
      Number: 'P1',
      Owner: 'N1',
      owner: 'Name of N1',
    });
    await grant(code, ['Use'], ['list']);
    expect((await results(view, {}, stranger))[0]).toEqual({ Use: 'crops' });
    expect((await refusal(page(view, { 'query.Number': 'P1' }, stranger))).status).toBe(400);
    await grant(code, ['Note'], ['list']);
    expect((await refusal(page(view, {}, stranger))).status).toBe(404);
    const mine = (await viewsAs(stranger).listViews({})).body.views.map((one) => one.code);
    expect(mine).toEqual([view]);
    expect((await refusal(viewsAs(stranger).deleteView({ params: { code: view } }))).status).toBe(403);
  });

  it('[REG-6.1-8-a] leaves a trace of the personal data it shows, of the joined registry too, by the names of the registry', async () => {
    const { code } = await land();
    const view = await put(
      code,
      records(['Number'], { joins: [{ field: 'Owner', fields: [{ field: 'Name', as: 'who' }] }] }),
    );
    await page(view, { 'query.Number': 'P2' });
    const usage = (await agency.data.queryUsage({ body: { identifier: 'N2' } })).body;
    expect(usage[0]).toMatchObject({ fields: ['Name'], method: 'read' });
  });

  it('[REG-6.1-9-a][REG-6.1-4-f] outlives a new version of its registry; one that takes a field from it is breaking', async () => {
    const { code, owners } = await land();
    const view = await put(code, records(['Number', 'Use']));
    const { Use, ...rest } = plotSchema(owners).properties;
    const renamed = await republish(code, { type: 'object', properties: { ...rest, 'Land use': Use } });
    expect(renamed.report.every(({ breaking }) => !breaking)).toBe(true);
    await renamed.publish();
    expect((await results(view))[0]).toEqual({ Number: 'P1', Use: 'crops' });
    const retired = await republish(code, { type: 'object', properties: rest });
    expect(retired.report).toContainEqual({
      pointer: '/schema/properties/Land use',
      breaking: true,
      detail: `is used by the view ${view}`,
    });
    expect((await refusal(retired.publish())).status).toBe(409);
    expect((await results(view))[0]).toEqual({ Number: 'P1', Use: 'crops' });
  });

  it('is refused with the place of every defect, and nothing changes', async () => {
    const { code } = await land();
    const kept = await put(code, records(['Number']));
    const bad: [object, ...string[]][] = [
      [records(['Nothing']), '/fields/0/field'],
      [records(['Number', 'Number']), '/fields/1/as'],
      [records(['Number'], { joins: [{ field: 'Use', fields: [{ field: 'Name' }] }] }), '/joins/0/field'],
      [
        records(['Number'], { joins: [{ field: 'Owner', fields: [{ field: 'Nothing' }] }] }),
        '/joins/0/fields/0/field',
      ],
      [records(['Number'], { order: { field: 'Area' } }), '/order/field'],
      [records(['Number'], { filter: [{ field: 'Pin', operator: 'eq', value: 1 }] }), '/filter/0/field'],
      [
        { kind: 'groups', by: [{ field: 'Use' }], measures: [{ function: 'sum', field: 'Use' }] },
        '/measures/0/field',
      ],
      [{ kind: 'groups', by: [], measures: [{ function: 'max', field: 'Owner' }] }, '/measures/0/field'],
      [{ kind: 'groups', by: [{ field: 'Pin' }], measures: [{ function: 'count' }] }, '/by/0/field'],
    ];
    for (const [definition, ...where] of bad)
      expect(await pointers(put(code, definition, kept))).toEqual([400, ...where]);
    const misfit = records(['Number'], { filter: [{ field: 'Area', operator: 'lt', value: 'x' }] });
    expect((await refusal(put(code, misfit, kept))).status).toBe(400);
    expect(await results(kept, { pageSize: 1 })).toEqual([{ Number: 'P1' }]);
    await viewsAs(owner).deleteView({ params: { code: kept } });
    expect((await refusal(page(kept))).status).toBe(404);
  });
});

describe('a view of groups', () => {
  it('[REG-6.1-9-a] counts and computes by groups', async () => {
    const code = await agency.publish({
      type: 'object',
      properties: { Use: { type: 'string', id: 1 }, Area: { type: 'integer', id: 2 } },
    });
    await agency.data.createRecords({
      params: at(code),
      body: { write: plots.map(({ Use, Area }) => ({ content: { Use, Area } })) },
    });
    const view = await put(code, {
      kind: 'groups',
      by: [{ field: 'Use', as: 'use' }],
      measures: [
        { function: 'count', as: 'plots' },
        ...(['sum', 'avg', 'min', 'max'] as const).map((one) => ({ function: one, field: 'Area' })),
      ],
    });
    expect(await page(view)).toMatchObject({
      count: 2,
      suppressed: 0,
      results: [
        { use: 'crops', plots: 2, 'sum Area': 40, 'avg Area': 20, 'min Area': 10, 'max Area': 30 },
        { use: 'homes', plots: 2, 'sum Area': 15, 'avg Area': 7.5, 'min Area': -5, 'max Area': 20 },
      ],
    });
    expect(await results(view, { page: 2, pageSize: 1 })).toEqual([
      expect.objectContaining({ use: 'homes' }),
    ]);
    expect((await refusal(page(view, { 'query.use': 'crops' }))).status).toBe(400);
    await agency.database.putAccess({
      params: { code },
      body: { application: stranger, methods: ['list'], fields: ['Use'] },
    });
    expect((await refusal(page(view, {}, stranger))).status).toBe(403);
  });

  it('[REG-6.1-9-a][REG-5.2-req-4] of personal data leaves small groups out, and what would give one of them away', async () => {
    const code = await agency.publish({
      type: 'object',
      properties: {
        Name: { type: 'string', id: 1, personal: true },
        Village: { type: 'string', id: 2, personal: true },
        Income: { type: 'integer', id: 3, personal: true },
      },
    });
    const people = (Village: string, count: number, withIncome: number) =>
      Array.from({ length: count }, (_, i) => ({
        content: { Name: `${Village} ${i}`, Village, ...(i < withIncome ? { Income: 10 } : {}) },
      }));
    await agency.data.createRecords({
      params: at(code),
      body: { write: [...people('East', 9, 9), ...people('North', 6, 6), ...people('South', 8, 1)] },
    });
    const view = await put(code, {
      kind: 'groups',
      by: [{ field: 'Village' }],
      measures: [{ function: 'count' }, { function: 'sum', field: 'Income' }],
      minimum: 1,
    });
    const group = (Village: string, count: number, sum: number | null) => ({
      Village,
      count,
      'sum Income': sum,
    });
    expect(await results(view)).toEqual([
      group('East', 9, 90),
      group('North', 6, 60),
      group('South', 8, null),
    ]);
    await agency.data.createRecords({ params: at(code), body: { write: people('West', 2, 2) } });
    // Of one group left out, a total would tell; so the next smallest is left out with it.
    expect(await page(view)).toMatchObject({
      results: [group('East', 9, 90), group('South', 8, null)],
      suppressed: 2,
    });
  });
});

describe('open data', () => {
  const open = (code: string, confirmed?: boolean) =>
    viewsAs(owner).openView({ params: { code }, body: confirmed === undefined ? {} : { confirmed } });
  const get = (path: string, headers: Record<string, string> = {}) => fetch(`${url}${path}`, { headers });
  const pathOf = (code: string) => `/open-data/${owner}/${code}`;

  it('[REG-6.1-9-b][REG-6.1-27-b] is a view that anybody reads, as JSON and CSV, without a formula in a cell', async () => {
    const { code } = await land({ classification: 'open' });
    const view = await put(code, records([{ field: 'Number', as: 'plot' }, 'Area', 'Note']));
    expect((await get(pathOf(view))).status).toBe(404);
    expect((await open(view)).body.path).toBe(pathOf(view));
    const json = await get(pathOf(view));
    expect(json.headers.get('content-type')).toContain('application/json');
    expect(await json.json()).toEqual(plots.map(({ Number: plot, Area, Note }) => ({ plot, Area, Note })));
    const csv = await get(`${pathOf(view)}.csv`);
    expect(csv.headers.get('content-type')).toContain('text/csv');
    expect(await csv.text()).toBe(
      [
        'plot,Area,Note',
        "P1,10,'=1+1",
        'P2,30,"a ""b"", c"',
        "P3,20,'+256700000000",
        'P4,-5,"line\nbreak"',
        '',
      ].join('\r\n'),
    );
    expect(await (await get(pathOf(view), { accept: 'text/csv' })).text()).toContain('plot,Area,Note');
    const { 'dcat:dataset': datasets } = (await (await get('/open-data/catalogue.json')).json()) as {
      'dcat:dataset': Record<string, unknown>[];
    };
    expect(datasets).toContainEqual(
      expect.objectContaining({ '@id': pathOf(view), 'dct:identifier': `${owner}/${view}` }),
    );
    await viewsAs(owner).closeView({ params: { code: view } });
    for (const path of [pathOf(view), `${pathOf(view)}.csv`, `${pathOf(view)}.xml`, '/open-data/x/y/z/a/b'])
      expect((await get(path)).status).toBe(404);
    expect(JSON.stringify(await (await get('/open-data/catalogue.json')).json())).not.toContain(view);
  });

  it('[REG-6.1-9-b] is not sent again until something changes; many records come whole', async () => {
    const code = await agency.publish(
      { type: 'object', properties: { N: { type: 'integer', id: 1 }, T: { type: 'string', id: 2 } } },
      { classification: 'open' },
    );
    for (let part = 0; part < 3; part += 1)
      await agency.data.createRecords({
        params: at(code),
        body: {
          write: Array.from({ length: 850 }, (_, i) => ({ content: { N: part * 850 + i, T: 'x' } })),
        },
      });
    const view = await put(code, records(['N']));
    await open(view);
    const first = await get(pathOf(view));
    const etag = first.headers.get('etag') as string;
    expect(first.headers.get('cache-control')).toBe('public, max-age=0');
    expect(((await first.json()) as { N: number }[]).map(({ N }) => N)).toEqual(
      Array.from({ length: 2550 }, (_, i) => i),
    );
    const again = () => get(pathOf(view), { 'if-none-match': etag });
    expect((await again()).status).toBe(304);
    await agency.data.updateRecord({
      params: at(code),
      headers: {},
      body: { ...query({ N: 5 }), ...write({ T: 'y' }) },
    });
    const changed = await again();
    expect([changed.status, changed.headers.get('etag') !== etag]).toEqual([200, true]);
    await changed.text();
  });

  it('[REG-6.1-27-b] needs an open classification or a confirmation, and holds no longer than that', async () => {
    const { code, owners } = await land();
    const view = await put(code, records(['Number']));
    expect(await pointers(open(view))).toEqual([400, '/confirmed']);
    expect(await pointers(open(view, false))).toEqual([400, '/confirmed']);
    await open(view, true);
    expect((await get(pathOf(view))).status).toBe(200);
    const { code: other } = await land({ classification: 'open' });
    const free = await put(other, records(['Number']));
    await open(free);
    await agency.database.putDraft({
      params: { code: other },
      body: { schema: plotSchema(owners), classification: 'restricted' },
    });
    expect((await get(pathOf(free))).status).toBe(404);
  });

  it('[REG-6.1-9-b][REG-6.1-27-b] never has a personal or secret field: not when it is opened, changed or published', async () => {
    const { code, owners } = await land({ classification: 'open' });
    const refusedAt = async (definition: object) => pointers(open(await put(code, definition), true));
    expect(await refusedAt(records(['Number', 'Owner']))).toEqual([409, '/definition/fields/1/field']);
    expect(await refusedAt(records(['Pin']))).toEqual([409, '/definition/fields/0/field']);
    expect(
      await refusedAt(records(['Number'], { joins: [{ field: 'Owner', fields: [{ field: 'District' }] }] })),
    ).toEqual([409, '/definition/joins/0/field']);
    expect(
      await refusedAt(records(['Number'], { filter: [{ field: 'Owner', operator: 'eq', value: 'N1' }] })),
    ).toEqual([409, '/definition/filter/0/field']);
    expect(
      await refusedAt({ kind: 'groups', by: [{ field: 'Owner' }], measures: [{ function: 'count' }] }),
    ).toEqual([409, '/definition/by/0/field']);

    const view = await put(code, records(['Number', 'Note']));
    await open(view, true);
    expect(await pointers(put(code, records(['Number', 'Owner']), view))).toEqual([
      409,
      '/definition/fields/1/field',
    ]);
    const { properties } = plotSchema(owners);
    const personal = {
      type: 'object',
      properties: { ...properties, Note: { ...properties.Note, personal: true } },
    };
    const { report, publish } = await republish(code, personal);
    expect(report).toEqual([expect.objectContaining({ pointer: '/schema/properties/Note', breaking: true })]);
    expect(report[0]?.detail).toContain(view);
    expect(await pointers(publish())).toEqual([409, '/schema/properties/Note']);
    expect((await get(pathOf(view))).status).toBe(200);
    await (await republish(code, personal, true)).publish();
    expect((await get(pathOf(view))).status).toBe(404);
    expect((await viewsAs(owner).describeView({ params: { code: view } })).body.openedAt).toBeNull();
  });

  it('has a limit to how often one address asks', async () => {
    // A minute may end in between; it does not end twice.
    let last: Response | undefined;
    for (let round = 0; round < 3 && !last; round += 1)
      last = (await Promise.all(Array.from({ length: 90 }, () => get('/open-data/x/y/z/a/b')))).find(
        ({ status }) => status === 429,
      );
    expect(last?.headers.get('content-type')).toContain('application/problem+json');
    expect(Number(last?.headers.get('retry-after'))).toBeGreaterThan(0);
  });
});
