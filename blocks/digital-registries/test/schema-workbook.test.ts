import { workbookType } from '@govstack/platform/operation';
import fc from 'fast-check';
import { readSheet } from 'read-excel-file/node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import writeExcelFile from 'write-excel-file/node';
import { readSchema } from '../src/workbook/read-schema.ts';
import { writeSchema } from '../src/workbook/write-schema.ts';
import { type Agency, refusal, startAgency } from './fixtures/agency.ts';
import { workbookWith } from './fixtures/workbooks.ts';

let agency: Agency;
beforeAll(async () => {
  agency = await startAgency();
});
afterAll(() => agency.node.stop());

let codes = 0;
const nextCode = (): string => `books-${++codes}`;
const accept = { accept: workbookType };
const bytesOf = (body: unknown): Buffer => Buffer.from(body as Uint8Array);
const bring = async (code: string, file: Uint8Array) =>
  (await agency.database.putDraft({ params: { code }, body: file })).body;
const publish = (code: string) => agency.database.publishDraft({ params: { code }, body: {} });
const exported = async (code: string) =>
  (await agency.database.exportSchema({ params: { code, version: '1.0' } })).body;
const exportedBook = async (code: string) =>
  bytesOf((await agency.database.exportSchema({ params: { code, version: '1.0' }, headers: accept })).body);
const draftOf = async (code: string) => (await agency.database.getDraft({ params: { code } })).body;
/** A workbook of one sheet, as a spreadsheet makes it. */
const byHand = (rows: readonly (readonly (string | number | boolean | null)[])[]): Promise<Buffer> =>
  writeExcelFile(rows.map((row) => row.map((value) => (value === null ? null : { value })))).toBuffer();
const faultsOf = async (code: string, file: Uint8Array): Promise<string[]> => {
  const failed = await refusal(bring(code, file));
  expect(failed.status).toBe(400);
  return failed.problem?.errors?.map(({ detail }) => detail) ?? [failed.problem?.detail ?? ''];
};

const rich = {
  type: 'object',
  title: 'People',
  required: ['Name', 'National ID'],
  properties: {
    'National ID': {
      type: 'string',
      id: 7,
      unique: true,
      primaryKey: true,
      owner: true,
      personal: true,
      pattern: '^[0-9]{4}$',
    },
    Name: {
      type: 'string',
      id: 2,
      searchable: true,
      description: 'As in the passport\nor nearly',
      maxLength: 200,
      minLength: 1,
    },
    Kind: { type: 'string', id: 3, enum: ['a', 'b|c', '=1+1', '007'], default: 'a', filterable: true },
    Size: { type: 'integer', id: 4, minimum: -5, maximum: 1e9, enum: [1, 2], default: 2 },
    Share: { type: 'number', id: 5, multipleOf: 0.01, default: 0 },
    Alive: { type: 'boolean', id: 6, default: false, secret: false },
    Born: { type: 'string', format: 'date', id: 9, readOnly: true, default: '2020-01-01' },
    Home: {
      type: 'object',
      id: 10,
      required: ['Street'],
      properties: { Street: { type: 'string' }, Number: { type: 'integer' } },
      'x-ui': { help: 'Where you sleep', deep: { er: [null, '', 'é'] } },
    },
    Head: {
      type: 'string',
      id: 11,
      foreignKeys: [{ databaseKey: 'people', kind: 'soft', values: [{ fieldKey: 7 }] }],
    },
    Photo: { type: 'file', id: 12, fileTypes: ['image/png', 'image/jpeg'], maxSize: 2000000 },
    Place: { type: 'GeoPoint', id: 13 },
    Shout: {
      type: 'string',
      id: 14,
      triggers: [{ conditions: [], actions: [{ type: 'upper-case', field: 14 }] }],
      secret: false,
    },
    Pin: { type: 'string', id: 15, secret: true, description: '' },
  },
  uniques: [['Name', 'Born']],
  rules: [{ must: { field: 'Size', operator: 'isNull', value: false }, message: 'is needed' }],
  'x-requires': 'consent',
};

describe('a schema as a workbook', () => {
  it('[REG-6.1-10-b][REG-6.1-11-b] goes out and comes in again as the same schema, published and as a draft', async () => {
    const code = nextCode();
    await agency.database.putDraft({ params: { code }, body: { schema: rich } });
    const answer = await agency.database.getDraft({ params: { code }, headers: accept });
    const { headers } = await agency.database.getDraft({ params: { code } });
    expect(answer.headers).toMatchObject({ 'content-type': workbookType, etag: headers.etag });
    await publish(code);
    const book = await exportedBook(code);
    expect(book.equals(bytesOf(answer.body))).toBe(true);

    const copy = nextCode();
    const draft = await bring(copy, book);
    expect(draft).toMatchObject({ code: copy, report: [] });
    await publish(copy);
    expect(await exported(copy)).toEqual(rich);
    expect(await exported(copy)).toEqual(await exported(code));
    expect(Object.keys((await exported(copy)).properties as object)).toEqual(Object.keys(rich.properties));
    expect((await bring(code, book)).report).toEqual([]);
  });

  it('[REG-6.1-10-b] is read by others: a row a field, and the rest as JSON', async () => {
    const code = await agency.publish(rich);
    const book = await exportedBook(code);
    const [headings = [], ...rows] = await readSheet(book, 'Fields');
    const of = (name: string) => {
      const row = rows.find((one) => one[1] === name) ?? [];
      return Object.fromEntries(
        headings.flatMap((heading, index) => (row[index] == null ? [] : [[String(heading), row[index]]])),
      );
    };
    expect(of('National ID')).toEqual({
      id: 7,
      name: 'National ID',
      type: 'string',
      required: true,
      unique: true,
      'primary key': true,
      owner: true,
      personal: true,
      pattern: '^[0-9]{4}$',
    });
    expect(of('Kind')).toMatchObject({ values: 'a\nb|c\n=1+1\n007', default: 'a', filterable: true });
    expect(of('Size')).toMatchObject({ minimum: -5, maximum: 1e9, default: 2 });
    expect(JSON.parse(String(of('Home').other))).toMatchObject({ required: ['Street'] });
    const keys = (await readSheet(book, 'Registry')).map(([key]) => key);
    expect(keys).toEqual(['key', 'required', 'title', 'uniques', 'rules', 'x-requires']);
  });

  it('[REG-6.1-10-b][REG-6.1-11-b] says every schema: what a cell cannot say stands beside it', async () => {
    const awkward = fc.oneof(
      fc.string({ unit: 'grapheme', maxLength: 12 }),
      fc.constantFrom(
        '',
        ' ',
        '007',
        'true',
        '=1',
        ' a',
        'a|b',
        'a\nb',
        'cr\rlf',
        '_x0041_',
        '<&>"',
        '\u0001',
        'null',
        'other',
      ),
      fc.constantFrom('x'.repeat(32_767), 'x'.repeat(32_768), '😀'.repeat(40_000), '"'.repeat(70_000)),
    );
    const value = fc.oneof(
      {
        weight: 3,
        arbitrary: fc.oneof(
          awkward,
          fc.double({ noNaN: true, noDefaultInfinity: true }),
          fc.integer(),
          fc.boolean(),
          fc.constant(null),
        ),
      },
      { weight: 1, arbitrary: fc.array(fc.oneof(awkward, fc.integer()), { maxLength: 3 }) },
      { weight: 1, arbitrary: fc.dictionary(awkward, fc.jsonValue({ maxDepth: 2 }), { maxKeys: 2 }) },
    );
    const keywords = [
      'id',
      'format',
      'unique',
      'primaryKey',
      'readOnly',
      'owner',
      'minimum',
      'maxLength',
      'pattern',
      'enum',
      'default',
      'catalogue',
      'fileTypes',
      'maxSize',
      'description',
      'required',
      'name',
      'x-ui',
    ];
    const property = fc
      .tuple(
        fc.oneof(
          fc.constantFrom('string', 'integer', 'number', 'boolean', 'object', 'array', 'file', 'GeoPoint'),
          value,
        ),
        fc.dictionary(fc.oneof(fc.constantFrom(...keywords), awkward), value, { maxKeys: 6 }),
      )
      .map(([type, rest]) => ({ ...rest, ...(type === null ? {} : { type }) }));
    const name = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
      .filter((one) => one.trim() === one && /^[^\p{Cc}\p{Cs}]+$/u.test(one));
    const schema = fc
      .tuple(
        fc.dictionary(name, property, { minKeys: 1, maxKeys: 5 }),
        fc.dictionary(awkward, value, { maxKeys: 3 }),
        fc.nat(3),
      )
      .chain(([properties, rest, kind]) =>
        fc.record({
          properties: fc.constant(properties),
          rest: fc.constant(rest),
          required: kind === 0 ? fc.constant(undefined) : fc.shuffledSubarray(Object.keys(properties)),
        }),
      )
      .map(({ properties, rest, required }) => ({
        ...rest,
        type: 'object' as const,
        properties,
        ...(required === undefined ? {} : { required }),
      }))
      .map((one) => JSON.parse(JSON.stringify(one).replaceAll('\\u0000', '')));
    await fc.assert(
      fc.asyncProperty(schema, async (one) => {
        expect((await readSchema(await writeSchema(one))).schema).toEqual(one);
      }),
      { numRuns: 150 },
    );
  });

  it('[REG-6.1-11-b] is made by hand from names, types and what is required; ids are given', async () => {
    const code = nextCode();
    const book = await byHand([
      ['Name', 'Type', 'Required'],
      ['Plot', 'string', 'yes'],
      [' Area ', 'integer', null],
      [null, null, null],
      ['Use', 'string', 'no'],
    ]);
    const { schema } = await bring(code, book);
    expect(schema).toEqual({
      type: 'object',
      required: ['Plot'],
      properties: {
        Plot: { type: 'string', id: 1 },
        Area: { type: 'integer', id: 2 },
        Use: { type: 'string', id: 3 },
      },
    });
    await publish(code);
    const more = await bring(
      code,
      await byHand([
        ['maxLength', 'Read only', 'TYPE', 'NAME', 'Values', 'Default'],
        [5, 'x', 'string', 'Use', 'crops | pasture', 'crops'],
        [null, false, 'number', 'Yield', '1|2.5', 1],
      ]),
    );
    expect(more.schema).toMatchObject({
      properties: {
        Use: { id: 3, maxLength: 5, readOnly: true, enum: ['crops', 'pasture'], default: 'crops' },
        Yield: { id: 4, readOnly: false, enum: [1, 2.5], default: 1 },
      },
    });
    expect(more.report.map(({ pointer }) => pointer)).toContain('/schema/properties/Plot');
  });
});

describe('a workbook that is no schema', () => {
  it('[REG-6.1-11-b] is refused with the sheet, row and column of each fault, and changes nothing', async () => {
    const code = nextCode();
    await agency.database.putDraft({ params: { code }, body: { schema: rich } });
    const before = await draftOf(code);
    const cases: readonly (readonly [rows: Parameters<typeof byHand>[0], faults: readonly RegExp[]])[] = [
      [
        [
          ['name', 'type', 'minimum', 'unique', 'other', 'default'],
          ['A', 'integer', 'low', 'perhaps', '{', 'one'],
          [null, 'string', null, null, null, null],
          ['A', 'string', null, null, '{"default":"y"}', 'x'],
          ['B', 'string', 1, null, '[]', null],
        ],
        [
          /^Sheet1, row 2, column E \(other\): is not JSON/,
          /^Sheet1, row 2, column D \(unique\): is neither yes nor no$/,
          /^Sheet1, row 2, column C \(minimum\): is not a number$/,
          /^Sheet1, row 2, column F \(default\): is not a number$/,
          /^Sheet1, row 3, column A \(name\): is empty$/,
          /^Sheet1, row 4, column A \(name\): is the name of the field in row 2 as well$/,
          /^Sheet1, row 4, column F \(default\): is said under other as well$/,
          /^Sheet1, row 5, column E \(other\): is not a JSON object$/,
        ],
      ],
      [
        [
          ['name', 'requird', 'Name'],
          ['A', true, null],
        ],
        [
          /^Sheet1, row 1, column B: is not a column: id, name, /,
          /^Sheet1, row 1, column C: is name for the second time$/,
        ],
      ],
      [[['type'], ['string']], [/^Sheet1, row 1, column A: no column is called name$/]],
      [
        [
          ['name', 'type', null],
          ['A', 'string', 'lost'],
        ],
        [/^Sheet1, row 2, column C: has no heading above it$/],
      ],
      // What the registry itself says against a schema.
      [
        [
          ['name', 'type', 'searchable', 'default', 'max length', 'other'],
          ['A', 'text', null, null, null, null],
          ['B', 'integer', true, null, null, null],
          ['C', 'string', null, 'long', 2, null],
          ['D', 'string', null, null, null, '{"x-ui":1}'],
        ],
        [
          /^Sheet1, row 2, column B \(type\): is not a type a registry can hold$/,
          /^Sheet1, row 2, column A \(name\): has rules that cannot be read/,
          /^Sheet1, row 3, column A \(name\): is not text/,
          /^Sheet1, row 4, column D \(default\): does not keep to the rules/,
          /^Sheet1, row 5, column F \(other\): must be an object of hints$/,
        ],
      ],
      [[['name', 'type']], [/^A registry has 1 to 400 fields$/]],
    ];
    for (const [rows, faults] of cases) {
      const book = await byHand(rows);
      const fresh = nextCode();
      expect(await faultsOf(fresh, book)).toEqual(faults.map((fault) => expect.stringMatching(fault)));
      expect((await refusal(agency.database.getRegistry({ params: { id: fresh } }))).status).toBe(404);
      await faultsOf(code, book);
    }
    expect(await draftOf(code)).toEqual(before);
  });

  it('[REG-6.1-11-b] is told where its second sheet is wrong', async () => {
    const sheets = async (rows: readonly (readonly string[])[]): Promise<Buffer> =>
      writeExcelFile([
        { sheet: 'registry', data: rows.map((row) => row.map((value) => ({ value }))) },
        {
          sheet: 'Whatever',
          data: [
            ['name', 'type'],
            ['A', 'string'],
          ].map((row) => row.map((value) => ({ value }))),
        },
      ]).toBuffer();
    const wrong = async (...rows: string[][]) =>
      faultsOf(nextCode(), await sheets([['key', 'value'], ...rows]));
    expect(
      await wrong(['x-requires', 'consent'], ['properties', '{}'], ['title', '"a"'], ['title', '"b"']),
    ).toEqual([
      expect.stringMatching(/^registry, row 2, column B \(value\): is not JSON/),
      'registry, row 3, column A (key): the fields have a sheet of their own',
      'registry, row 5, column A (key): is said in row 4 as well',
    ]);
    expect(await wrong(['title', '"a"'], ['uniques', '[["A","B"]]'])).toEqual([
      expect.stringMatching(/^registry, row 3, column B \(value\): must name two or more fields/),
    ]);
    expect(await wrong(['title', `${'['.repeat(200)}${']'.repeat(200)}`], ['x-note', '"\\u0000"'])).toEqual([
      'registry, row 2, column B (value): is nested deeper than 100',
      'registry, row 3, column B (value): holds the character U+0000',
    ]);
    expect(
      (
        await bring(
          nextCode(),
          await sheets([
            ['key', 'value'],
            ['title', '"a"'],
          ]),
        )
      ).schema,
    ).toMatchObject({ title: 'a' });
  });

  it('[REG-6.1-11-b] is refused when it is no workbook, too large, or much more than it seems', async () => {
    const heading = '<row r="1"><c t="inlineStr"><is><t>name</t></is></c></row>';
    const cell = '<c><v>1</v></c>';
    const broken: readonly (readonly [Buffer | Promise<Buffer>, RegExp])[] = [
      [Buffer.alloc(0), /not a workbook/],
      [Buffer.from('PK no zip'), /not a workbook/],
      [workbookWith(' '.repeat(40_000_000)), /too large when it is unpacked/],
      [
        workbookWith(heading, { 'xl/sharedStrings.xml': ' '.repeat(40_000_000) }),
        /too large when it is unpacked/,
      ],
      [workbookWith(heading + `<row>${cell}</row>`.repeat(1_001)), /more than 1000 rows/],
      [workbookWith(`<row>${cell.repeat(1_001)}</row>`), /more than 1000 columns/],
      // Elements without an end: reading them takes no longer than their length.
      [workbookWith(heading, { 'xl/sharedStrings.xml': '<si>'.repeat(4_000_000) }), /1 to 400 fields/],
      [workbookWith(`${heading}<row>${'<c>'.repeat(4_000_000)}<v></row>`), /1 to 400 fields/],
      [
        workbookWith(`<row><c t="inlineStr"><is>${'<rPh>'.repeat(4_000_000)}</is></c></row>`),
        /no column is called name/,
      ],
      [workbookWith(heading, { 'xl/styles.xml': '<cellXfs>'.repeat(3_000_000) }), /1 to 400 fields/],
      [workbookWith('<row '.repeat(4_000_000)), /no column is called name/],
    ];
    for (const [made, reason] of broken) {
      const file = await made;
      expect(file.length).toBeLessThan(4 * 1024 * 1024);
      expect(await faultsOf(nextCode(), file)).toEqual([expect.stringMatching(reason)]);
    }
    const long = agency.database.putDraft({
      params: { code: nextCode() },
      body: Buffer.alloc(4 * 1024 * 1024 + 1),
    });
    expect((await refusal(long)).status).toBe(413);
  });
});
