import fc from 'fast-check';
import { sql } from 'kysely';
import { readSheet } from 'read-excel-file/node';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import writeExcelFile from 'write-excel-file/node';
import { type Agency, at, refusal, startAgency, stranger } from './fixtures/agency.ts';
import { bring, reportOf } from './fixtures/imports.ts';

let agency: Agency;
beforeAll(async () => {
  agency = await startAgency({ exportRecords: 12_000 });
});
afterAll(() => agency.node.stop());

const schema = {
  type: 'object',
  properties: {
    ID: { type: 'string', id: 1, unique: true, primaryKey: true },
    Name: { type: 'string', id: 2, personal: true },
    Amount: { type: 'number', id: 3 },
    Whole: { type: 'integer', id: 4 },
    Yes: { type: 'boolean', id: 5 },
    Day: { type: 'string', format: 'date', id: 6 },
    Seen: { type: 'string', format: 'date-time', id: 7 },
    Hour: { type: 'string', format: 'time', id: 8 },
    List: { type: 'array', id: 9 },
  },
};
const formats = ['csv', 'xlsx', 'json', 'ndjson'] as const;
type Selection = Parameters<Agency['transfer']['exportRecords']>[0]['body'];

const create = (code: string, contents: readonly object[]) =>
  agency.data.createRecords({
    params: at(code),
    body: { write: contents.map((content) => ({ content: { ...content } })) },
  });
const direct = async (body: Selection, transfer = agency.transfer) =>
  Buffer.from((await transfer.exportRecords({ headers: {}, body })).body);
const lines = (file: Buffer): string[] => file.toString('utf8').replace('\ufeff', '').trimEnd().split('\r\n');
const contents = async (code: string) =>
  (
    await agency.data.searchRecords({ params: at(code), headers: {}, body: { pageSize: 1000 } })
  ).body.results.map(({ content }) => content);

/** Waits for an export and puts its parts together. */
async function whole(body: Selection): Promise<{ file: Buffer; parts: number; rows: number }> {
  const { id } = (await agency.transfer.createExport({ headers: {}, body })).body;
  const params = { exportId: id };
  const done = await vi.waitFor(
    async () => {
      const { body: now } = await agency.transfer.getExport({ params });
      expect(['finished', 'failed']).toContain(now.state);
      return now;
    },
    { timeout: 30_000, interval: 50 },
  );
  if (done.state === 'failed') throw new Error(done.failure ?? '');
  const pieces: Uint8Array[] = [];
  for (let part = 1; part <= done.parts; part += 1)
    pieces.push((await agency.transfer.readExportPart({ params: { ...params, part } })).body);
  const file = Buffer.concat(pieces);
  expect(file.length).toBe(done.bytes);
  return { file, parts: done.parts, rows: done.rows };
}

const awkward = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 30 }),
  fc.constantFrom(
    '',
    ' ',
    '007',
    '-5',
    '=1+1',
    '+38161',
    '@x',
    "'=quoted",
    "''",
    '\tTab',
    'line\nline',
    'cr\rlf\r\n',
    'a,b;c"d"',
    'ليلى',
    '👩‍👩‍👧',
    '_x0041_',
    '\u0001',
    '<&>',
    'null',
    '#exported',
  ),
);
const record = fc.record(
  {
    Name: awkward,
    Amount: fc
      .oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.constantFrom(-5, 0.1, 1e21, -12.5))
      .map((n) => (Object.is(n, -0) ? 0 : n)),
    Whole: fc.maxSafeInteger().map((n) => (Object.is(n, -0) ? 0 : n)),
    Yes: fc.boolean(),
    Day: fc.constantFrom('1850-01-01', '1900-02-28', '1900-03-01', '2000-02-29', '2026-12-31'),
    Seen: fc.constantFrom('2026-01-02T03:04:05.678Z', '1969-12-31T23:59:59.000Z'),
    Hour: fc.constantFrom('00:00:00Z', '23:59:59Z'),
    List: fc.array(fc.oneof(awkward, fc.integer()), { maxLength: 3 }),
  },
  { requiredKeys: [] },
);
/** Of what JSON and a column can hold. */
const storable = (content: object): boolean =>
  !JSON.stringify(content).includes('\\u0000') && JSON.stringify(content).isWellFormed();

describe('an export', () => {
  it.each(
    formats,
  )('[REG-6.1-25][REG-6.1-24] of any records imports again into an equal registry (%s)', async (format) => {
    await fc.assert(
      fc.asyncProperty(fc.array(record.filter(storable), { minLength: 5, maxLength: 25 }), async (some) => {
        const code = await agency.publish(schema);
        await create(
          code,
          some.map((content, index) => ({ ...content, ID: `${index % 2 ? '0' : '='}${index}` })),
        );
        const { file } = await whole({ registry: code, format, watermark: true });
        const copy = await agency.publish(schema);
        const { state, failure, rows } = await bring(agency, copy, file, { format });
        expect([state, failure, rows.created]).toEqual(['finished', null, some.length]);
        expect(await contents(copy)).toEqual(await contents(code));
      }),
      { numRuns: 2 },
    );
  });

  it('[REG-6.1-25] has the selected or filtered records, in the wanted fields', async () => {
    const code = await agency.publish(schema);
    await create(code, [
      { ID: 'A', Name: 'Ana', Amount: -5 },
      { ID: 'B', Name: 'Bo', Amount: 7 },
      { ID: 'C', Name: 'Cy', Amount: 9 },
    ]);
    const [one] = (await agency.data.searchRecords({ params: at(code), headers: {}, body: {} })).body.results;
    const of = (more: Partial<Selection>) =>
      direct({ registry: code, format: 'csv', fields: ['ID', 'Amount'], ...more }).then(lines);
    expect(await of({})).toEqual(['ID,Amount', 'A,-5', 'B,7', 'C,9']);
    expect(await of({ keys: ['C', one?.uuid ?? '', 'nobody'] })).toEqual(['ID,Amount', 'A,-5', 'C,9']);
    expect(await of({ keys: [`${code.toUpperCase()}2`] })).toEqual(['ID,Amount', 'B,7']);
    expect(await of({ filter: [{ field: 'Amount', operator: 'gt', value: 0 }] })).toHaveLength(3);
    expect(await of({ query: { content: { Name: 'Bo' } } })).toEqual(['ID,Amount', 'B,7']);
    const json = await direct({ registry: code, format: 'json', fields: ['Name', 'Whole'], keys: ['A'] });
    expect(JSON.parse(json.toString())).toEqual([{ Name: 'Ana', Whole: null }]);
    for (const wrong of [
      { fields: ['Nope'] },
      { query: { content: { Nope: 1 } } },
      { keys: ['A'], words: 'Ana' },
    ])
      expect((await refusal(of(wrong))).status).toBe(400);
  });

  it('[REG-6.1-25] never begins a cell with a formula, leaves numbers alone, and says who made it', async () => {
    const code = await agency.publish(schema);
    const texts = ['=cmd()', '+1', '-1', '@x', '\t=1', '\r=1', "'=1", 'plain'];
    await create(
      code,
      texts.map((Name, index) => ({ ID: `N${index}`, Name, Amount: -index - 1 })),
    );
    const [headings = '', ...rows] = (
      await direct({ registry: code, format: 'csv', fields: ['Amount', 'Name'], watermark: true })
    )
      .toString('utf8')
      .replace('\ufeff', '')
      .split('\r\n');
    expect(headings).toBe('Amount,Name,#exported');
    for (const [index, row] of rows.filter((row) => row !== '').entries()) {
      expect(row.startsWith(`-${index + 1},`)).toBe(true);
      const cell = row.split(',')[1] ?? '';
      expect(/^"?[=+\-@\t\r]/.test(cell)).toBe(false);
      expect(row).toContain('Exported by TEST/GOV/CRA/civil-registry at 20');
    }
  });

  it('[REG-6.1-24][REG-6.1-25] reads the workbooks of others, and others read its workbooks', async () => {
    const code = await agency.publish(schema);
    const day = (iso: string) => ({ value: new Date(iso), type: Date, format: 'dd/mm/yyyy' }) as const;
    const workbook = await writeExcelFile([
      { sheet: 'Notes', data: [['nothing']] },
      {
        sheet: 'People',
        data: [
          ['ID', 'Name', 'Amount', 'Whole', 'Yes', 'Day', 'Hour'],
          ['007', 'ليلى & <co>', -1.5, 3, true, day('2026-05-31'), null],
          [null, null, null, null, null, null, null],
          ['B', 'B', null, 4, false, day('1990-02-28'), '10:00:00Z'],
          ['C', 'C', null, 4.5, null, null, null],
        ],
      },
    ]).toBuffer();
    const done = await bring(agency, code, workbook, {
      format: 'xlsx',
      mode: 'good-rows',
      options: { sheet: 'People' },
    });
    expect(done).toMatchObject({ state: 'finished', rows: { read: 3, created: 2, faulty: 1 } });
    expect((await reportOf(agency, done.id))[0]).toMatch(/^5,Whole,must be integer,4.5$/);
    expect(await contents(code)).toEqual([
      { ID: '007', Name: 'ليلى & <co>', Amount: -1.5, Whole: 3, Yes: true, Day: '2026-05-31' },
      { ID: 'B', Name: 'B', Whole: 4, Yes: false, Day: '1990-02-28', Hour: '10:00:00Z' },
    ]);
    const file = await direct({ registry: code, format: 'xlsx' });
    expect(await readSheet(file)).toEqual([
      ['ID', 'Name', 'Amount', 'Whole', 'Yes', 'Day', 'Seen', 'Hour', 'List'],
      ['007', 'ليلى & <co>', -1.5, 3, true, new Date('2026-05-31'), null, null, null],
      ['B', 'B', null, 4, false, new Date('1990-02-28'), null, '10:00:00Z', null],
    ]);
  });

  it('[REG-6.1-25] shows what its reader may see, and every look at personal fields is on record', async () => {
    const code = await agency.publish(schema);
    await create(code, [
      { ID: 'A', Name: 'Ana', Amount: 1 },
      { ID: 'B', Name: 'Bo', Amount: 2 },
    ]);
    const other = agency.transferAs(stranger);
    const asked: Selection = { registry: code, format: 'csv' };
    expect((await refusal(direct(asked, other))).status).toBe(404);
    await agency.database.putAccess({
      params: { code },
      body: { application: stranger, methods: ['list'], fields: ['ID', 'Amount'] },
    });
    expect(lines(await direct(asked, other))).toEqual(['ID,Amount', 'A,1', 'B,2']);
    expect((await refusal(direct({ ...asked, fields: ['Name'] }, other))).status).toBe(400);
    const { id } = (await agency.transfer.createExport({ headers: {}, body: asked })).body;
    expect((await refusal(other.getExport({ params: { exportId: id } }))).status).toBe(404);
    expect((await refusal(other.readExportPart({ params: { exportId: id, part: 1 } }))).status).toBe(404);
    await direct({ ...asked, fields: ['ID'] });
    await agency.transfer.exportRecords({
      headers: { 'x-purpose': 'audit' },
      body: { ...asked, fields: ['ID', 'Name'] },
    });
    const { rows } = await sql<{
      fields: string[];
      purpose: string | null;
      records: number;
      application: string;
    }>`
      select l.fields, l.purpose, cardinality(l.records) as records, l.application
      from read_log l
      join registry r on r.id = l.registry_id
      where r.code = ${code} and l.purpose = 'audit'`.execute(agency.node.database('digital-registries'));
    expect(rows).toEqual([
      { fields: ['Name'], purpose: 'audit', records: 2, application: 'TEST/GOV/CRA/civil-registry' },
    ]);
  });

  it('[REG-6.1-25] of many records is made in parts; at once, and in all, there are limits', async () => {
    const code = await agency.publish(schema);
    const csv = (from: number, count: number) =>
      `ID,Name\n${Array.from({ length: count }, (_, index) => `R${from + index},Name\n`).join('')}`;
    expect((await bring(agency, code, csv(0, 11_000))).rows.created).toBe(11_000);
    const asked: Selection = { registry: code, format: 'csv', fields: ['ID'] };
    expect((await refusal(direct(asked))).status).toBe(413);
    const { file, parts, rows } = await whole(asked);
    expect([parts, rows]).toEqual([3, 11_000]);
    const ids = lines(file).slice(1);
    expect(ids).toEqual(Array.from({ length: 11_000 }, (_, index) => `R${index}`));
    await bring(agency, code, csv(11_000, 2000));
    await expect(whole(asked)).rejects.toThrow(/more than 12000 records/);
    const { id } = (await agency.transfer.createExport({ headers: {}, body: asked })).body;
    const cancelled = (await agency.transfer.cancelExport({ params: { exportId: id } })).body;
    expect(cancelled).toMatchObject({ state: 'cancelled', parts: 0 });
    expect((await agency.transfer.listExports({ query: { registry: code } })).body.exports).toHaveLength(3);
  });

  it('is kept for a while, and what was uploaded with it; then only that it was', async () => {
    const code = await agency.publish(schema);
    await bring(agency, code, 'ID\nA\n');
    await whole({ registry: code, format: 'csv' });
    const db = agency.node.database('digital-registries');
    const { removeContents } = await import('../src/transfer/retention.ts');
    const kept = async () =>
      Number((await sql<{ n: string }>`select count(*) as n from transfer_part`.execute(db)).rows[0]?.n);
    const before = await kept();
    await removeContents(db as never, new Date());
    expect(await kept()).toBe(before);
    await removeContents(db as never, new Date(Date.now() + 8 * 86_400_000));
    expect(await kept()).toBe(0);
    expect((await agency.transfer.listImports({ query: { registry: code } })).body.imports[0]).toMatchObject({
      state: 'finished',
      parts: 0,
      rows: { created: 1 },
    });
  });
});
