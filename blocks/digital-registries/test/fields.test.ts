import fc from 'fast-check';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { removeUnbound } from '../src/documents/documents.ts';
import { type Agency, at, query, refusal, startAgency, stranger, write } from './fixtures/agency.ts';
import { tablesWith } from './fixtures/tables.ts';

let agency: Agency;
beforeAll(async () => {
  agency = await startAgency();
});
afterAll(() => agency.node.stop());

const db = () => agency.node.database('digital-registries');
const text = (id: number, extra: object = {}) => ({ type: 'string', id, ...extra });
const schemaOf = (properties: object, extra: object = {}) => ({ type: 'object', properties, ...extra });
const create = async (code: string, content: Record<string, unknown>, data = agency.data) =>
  (await data.createRecord({ params: at(code), body: write(content) })).body;
const change = async (code: string, sought: Record<string, unknown>, content: Record<string, unknown>) =>
  (
    await agency.data.updateRecord({
      params: at(code),
      headers: {},
      body: { ...query(sought), ...write(content) },
    })
  ).body;
const read = async (code: string, content: Record<string, unknown>, headers: Record<string, string> = {}) =>
  (await agency.data.readRecord({ params: at(code), body: query(content), headers })).body;
const search = async (code: string, body: object) =>
  (await agency.data.searchRecords({ params: at(code), body, headers: {} })).body.results;
const publish = async (code: string, schema: object) => {
  await agency.database.putDraft({ params: { code }, body: { schema } });
  await agency.database.publishDraft({ params: { code }, body: {} });
};
/** Where a refused schema is wrong. */
const wrong = async (schema: object) => {
  const { status, problem } = await refusal(
    agency.database.putDraft({ params: { code: 'wrong' }, body: { schema } }),
  );
  expect(status).toBe(400);
  return problem?.errors?.map(({ pointer }) => pointer);
};
/** What a refused call says is wrong, and where. */
const defects = async (call: Promise<unknown>) => {
  const { status, problem } = await refusal(call);
  return { status, pointers: problem?.errors?.map(({ pointer }) => pointer) };
};

describe('documents', () => {
  const png = Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex');
  const pdf = Buffer.from('%PDF-1.7\nhello');
  const schema = schemaOf({
    ID: text(1, { unique: true }),
    Photo: { type: 'file', id: 2, fileTypes: ['image/png'], personal: true },
    Papers: { type: 'array', id: 3, maxItems: 3, items: { type: 'file', maxSize: 1000 } },
  });
  const upload = async (
    code: string,
    field: string,
    bytes: Uint8Array,
    type: string,
    name = 'a.png',
    data = agency.data,
  ) =>
    (
      await data.uploadDocument({
        params: { ...at(code), field },
        headers: { 'x-original-name': encodeURIComponent(name), 'x-media-type': type },
        body: bytes,
      })
    ).body;

  it('[REG-6.1-3-b] are taken when they are what the field permits, by name and by content', async () => {
    const code = await agency.publish(schema);
    const status = async (...of: [string, Uint8Array, string]) => (await refusal(upload(code, ...of))).status;
    expect(await upload(code, 'Photo', png, 'image/png', '/home/ana/пасп орт.png')).toMatchObject({
      originalName: 'пасп орт.png',
      type: 'image/png',
      size: png.length,
    });
    expect(await status('Photo', pdf, 'application/pdf')).toBe(415);
    expect(await status('Photo', pdf, 'image/png')).toBe(415);
    expect(await status('Papers', Buffer.from('<html>'), 'text/html')).toBe(415);
    expect(await status('Papers', Buffer.alloc(0), 'text/plain')).toBe(415);
    expect(await status('Papers', Buffer.from([0, 1]), 'text/plain')).toBe(415);
    expect(await status('Papers', Buffer.alloc(1001, 'a'), 'text/plain')).toBe(413);
    expect(await status('ID', png, 'image/png')).toBe(400);
    expect(
      (await refusal(upload(code, 'Photo', png, 'image/png', 'a', agency.dataAs(stranger)))).status,
    ).toBe(404);
  });

  it('[REG-8-g] belong to the record that names them, and come back as they were for who may see the field', async () => {
    const code = await agency.publish(schema);
    const big = Buffer.concat([Buffer.from('%PDF-1.7\n'), Buffer.alloc(900, 7)]);
    const photo = await upload(code, 'Photo', png, 'image/png');
    const papers = [
      await upload(code, 'Papers', big, 'application/pdf', 'deed.pdf'),
      await upload(code, 'Papers', Buffer.from('a,b'), 'text/csv', 'list.csv'),
    ];
    const content = {
      ID: 'd1',
      Photo: { $documentId: photo.documentId },
      Papers: papers.map(({ documentId }) => ({ $documentId: documentId })),
    };
    const { uuid } = await create(code, content);
    expect((await read(code, { ID: 'd1' })).content).toEqual(content);
    const value = (fieldAndType: string, data = agency.data) =>
      data.readValue({ params: { ...at(code), id: uuid, fieldAndType }, headers: {} });
    const shown = await value('Photo.png');
    expect(Buffer.from(shown.body as Uint8Array).equals(png)).toBe(true);
    expect(shown.headers['content-type']).toBe('image/png');
    expect(shown.headers['content-disposition']).toBe("inline; filename*=UTF-8''a.png");
    expect(Buffer.from((await value('Papers.pdf')).body as Uint8Array).equals(big)).toBe(true);
    expect((await value('Photo.json')).body).toEqual(content.Photo);
    expect((await refusal(value('Photo.gif'))).status).toBe(404);
    const byId = (documentId: string, data = agency.data) =>
      data.readDocument({ params: { ...at(code), documentId }, headers: {} });
    const csv = await byId(papers[1]?.documentId ?? '');
    expect(csv.body.toString()).toBe('a,b');
    expect(csv.headers['content-type']).toBe('text/csv');
    expect(csv.headers['content-disposition']).toBe("attachment; filename*=UTF-8''list.csv");

    // One document, one record, the field it was uploaded for.
    for (const other of [
      { ID: 'd2', Photo: content.Photo },
      { ID: 'd2', Photo: { $documentId: papers[0]?.documentId } },
      { ID: 'd2', Papers: [{ $documentId: '00000000-0000-7000-8000-000000000000' }] },
    ])
      expect((await refusal(create(code, other))).status).toBe(400);
    expect((await search(code, query({ ID: 'd2' }))).length).toBe(0);

    // Looking at a document is looking at its field.
    const reads = await sql<{ n: string }>`
      select count(*) as n from read_log where fields @> array['Photo'] and records @> array[${uuid}]::uuid[]`.execute(
      db(),
    );
    expect(Number(reads.rows[0]?.n)).toBeGreaterThanOrEqual(2);
    const body = { application: stranger, methods: ['read' as const], fields: ['ID', 'Papers'] };
    await agency.database.putAccess({ params: { code }, body });
    expect((await byId(papers[1]?.documentId ?? '', agency.dataAs(stranger))).status).toBe(200);
    expect((await refusal(byId(photo.documentId, agency.dataAs(stranger)))).status).toBe(404);
    expect((await refusal(value('Photo.png', agency.dataAs(stranger)))).status).toBe(404);
    expect(
      (await refusal(upload(code, 'Papers', png, 'image/png', 'a', agency.dataAs(stranger)))).status,
    ).toBe(403);
  });

  it('go when nobody names them within a day, and when personal data is erased', async () => {
    const code = await agency.publish(schema);
    const [left, fresh, photo] = [
      await upload(code, 'Photo', png, 'image/png'),
      await upload(code, 'Photo', png, 'image/png'),
      await upload(code, 'Photo', png, 'image/png'),
    ];
    const { uuid } = await create(code, { ID: 'e1', Photo: { $documentId: photo.documentId } });
    await sql`
      update document
      set created_at = now() - interval '25 hours'
      where id in (${left.documentId}, ${photo.documentId})`.execute(db());
    const there = async () =>
      (await sql<{ document_id: string }>`select document_id from document_chunk`.execute(db())).rows.map(
        (row) => row.document_id,
      );
    await removeUnbound(db() as never, new Date());
    const kept = await there();
    expect(kept).not.toContain(left.documentId);
    expect(kept).toEqual(expect.arrayContaining([fresh.documentId, photo.documentId]));
    await agency.data.eraseRecord({ params: { ...at(code), id: uuid }, body: { legalGround: 'order 9' } });
    expect(await there()).not.toContain(photo.documentId);
  });
});

describe('code lists', () => {
  const put = (code: string, items: object[], extra: object = {}) =>
    agency.database.putCodeList({ params: { code }, body: { name: 'Places', items, ...extra } as never });
  const places = [
    { key: 'N', labels: { en: 'North', fr: 'Nord' }, uri: 'https://vocab.example/n' },
    {
      key: 'N1',
      parent: 'N',
      labels: { en: 'Hill' },
      mappings: [{ vocabulary: 'https://census.example', uri: 'https://census.example/77' }],
    },
    { key: 'S', labels: { en: 'South' }, validTo: '2020-12-31' },
    { key: 'F', labels: { en: 'Future' }, validFrom: '2999-01-01' },
  ];
  const lookUp = async (code: string, sought: Record<string, unknown> = {}) =>
    (await agency.data.lookUpCodes({ params: { code }, query: sought as never })).body;
  const keys = async (code: string, sought: Record<string, unknown> = {}) =>
    (await lookUp(code, sought)).items.map(({ key }) => key);

  it('[REG-10.5-b] are versioned, translated, in a hierarchy, in force for a time, mapped to other vocabularies', async () => {
    expect((await put('places', places, { uri: 'https://vocab.example' })).body.version).toBe(1);
    expect((await put('places', places, { uri: 'https://vocab.example' })).body.version).toBe(1);
    expect(await keys('places')).toEqual(['N', 'N1']);
    expect(await keys('places', { at: '2020-01-01' })).toEqual(['N', 'N1', 'S']);
    expect(await keys('places', { all: true, limit: 2, after: 1 })).toEqual(['S', 'F']);
    expect(await keys('places', { parent: 'N' })).toEqual(['N1']);
    expect(await keys('places', { parent: '' })).toEqual(['N']);
    expect(await keys('places', { search: 'nord' })).toEqual(['N']);
    expect(await keys('places', { search: '%' })).toEqual([]);
    const [north, hill] = (await lookUp('places', { language: 'fr-CA' })).items;
    expect(north).toMatchObject({ label: 'Nord', hasChildren: true, uri: 'https://vocab.example/n' });
    expect(hill).toMatchObject({ label: 'Hill', mappings: places[1]?.mappings });
    const more = [...places, { key: 'E', labels: { en: 'East' } }];
    expect((await put('places', more)).body.version).toBe(2);
    const of = async (version?: number) =>
      (await agency.database.readCodeList({ params: { code: 'places' }, query: version ? { version } : {} }))
        .body;
    expect((await of(1)).items).toEqual(places);
    expect((await of()).items).toHaveLength(5);
    expect((await refusal(put('places', places.slice(1)))).status).toBe(400);
    expect((await refusal(put('places', places.slice(0, 2)))).status).toBe(409);
    expect((await refusal(of(9))).status).toBe(404);
    for (const [items, pointer] of [
      [[{ key: 'a', labels: {} }], '/items/0/labels'],
      [[places[0], places[0]], '/items/1/key'],
      [
        [
          { key: 'a', labels: { en: 'A' }, parent: 'b' },
          { key: 'b', labels: { en: 'B' }, parent: 'a' },
        ],
        '/items/0/parent',
      ],
    ] as const)
      expect((await defects(put('other', items as never))).pointers).toEqual([pointer]);
    const foreign = agency.databaseAs(stranger);
    const refused = foreign.putCodeList({ params: { code: 'x' }, body: { name: 'X', items: [] } });
    expect((await refusal(refused)).status).toBe(403);
  });

  it('[REG-6.1-3-a] give fields their values: keys in force only, labelled for who asks', async () => {
    await put('districts', places);
    const code = await agency.publish(
      schemaOf({
        ID: text(1, { unique: true }),
        District: text(2, { catalogue: 'districts', filterable: true }),
        Visited: { type: 'array', id: 3, items: { type: 'string' }, catalogue: 'districts' },
      }),
    );
    await create(code, { ID: 'a', District: 'N1', Visited: ['N', 'N1'] });
    expect(await defects(create(code, { ID: 'b', District: 'S' }))).toEqual({
      status: 400,
      pointers: ['/write/content/District'],
    });
    expect((await defects(create(code, { ID: 'b', Visited: ['N', 'X', 'F'] }))).pointers).toEqual([
      '/write/content/Visited/1',
      '/write/content/Visited/2',
    ]);
    expect((await read(code, { ID: 'a' }, { 'x-labels': 'fr' })).labels).toEqual({
      District: { N1: 'Hill' },
      Visited: { N: 'Nord', N1: 'Hill' },
    });
    expect(await read(code, { ID: 'a' })).not.toHaveProperty('labels');
    // A key that goes out of force stays in the records that have it.
    await put(
      'districts',
      places.map((one) => (one.key === 'N1' ? { ...one, validTo: '2020-01-01' } : one)),
    );
    await change(code, { ID: 'a' }, { Visited: ['N'] });
    expect((await read(code, { ID: 'a' })).content.District).toBe('N1');
    expect((await refusal(create(code, { ID: 'c', District: 'N1' }))).status).toBe(400);
    const unknown = agency.database.modifyRegistry({
      body: {
        groupName: 'g',
        catalogName: 'n',
        code: 'no-list',
        schema: schemaOf({ A: text(1, { catalogue: 'nothing' }) }),
      },
    });
    expect((await defects(unknown)).pointers).toEqual(['/schema/properties/A/catalogue']);
  });
});

describe('links', () => {
  const key = (databaseKey: string, fieldKey: number | string, extra: object = {}) => ({
    foreignKeys: [{ databaseKey, values: [{ fieldKey }], ...extra }],
  });
  const links = async (code: string, id: string, data = agency.data) =>
    (await data.readLinks({ params: { ...at(code), id }, headers: {} })).body.links.map((link) => [
      link.direction,
      link.registry,
      link.field,
      link.records.map(({ content }) => content.ID),
    ]);

  it('[REG-6.1-2-a][REG-6.1-2-b][REG-6.1-2-c] lead softly, strictly, to many and to a parent, and are followed both ways in one call', async () => {
    await publish('villages', schemaOf({ ID: text(1, { unique: true }), Mayor: text(2) }));
    await publish(
      'families',
      schemaOf({
        ID: text(1, { unique: true }),
        Village: text(2, key('villages', 1)),
        Fields: { type: 'array', id: 3, items: { type: 'string' }, ...key('villages', 1) },
        Origin: text(4, { format: 'uuid', ...key('villages', 'uuid', { kind: 'soft' }) }),
        Home: text(6, { format: 'uuid', ...key('villages', 'uuid') }),
        Above: text(5, key('families', 1, { kind: 'parent' })),
      }),
    );
    const v1 = await create('villages', { ID: 'v1' });
    await create('villages', { ID: 'v2', Mayor: 'Bo' });
    await create('families', { ID: 'f1', Village: 'v1' });
    const f2 = await create('families', {
      ID: 'f2',
      Fields: ['v1', 'v2'],
      Origin: v1.uuid,
      Home: v1.uuid,
      Above: 'f1',
    });
    expect(await links('families', f2.uuid)).toEqual([
      ['to', 'villages', 'Fields', ['v1', 'v2']],
      ['to', 'villages', 'Origin', ['v1']],
      ['to', 'villages', 'Home', ['v1']],
      ['to', 'families', 'Above', ['f1']],
    ]);

    expect((await links('villages', v1.uuid)).sort()).toEqual([
      ['from', 'families', 'Fields', ['f2']],
      ['from', 'families', 'Home', ['f2']],
      ['from', 'families', 'Origin', ['f2']],
      ['from', 'families', 'Village', ['f1']],
    ]);
    expect(await defects(create('families', { ID: 'f3', Fields: ['v1', 'v9'] }))).toEqual({
      status: 409,
      pointers: ['/write/content/Fields/1'],
    });
    const nowhere = '00000000-0000-7000-8000-000000000000';
    expect((await refusal(create('families', { ID: 'f3', Home: nowhere }))).status).toBe(409);
    await create('families', { ID: 'f4', Origin: nowhere });
    const remove = (id: string) =>
      agency.data.deleteRecords({ params: at('villages'), body: query({ ID: id }) });
    expect((await refusal(remove('v2'))).status).toBe(409);
    await change('families', { ID: 'f2' }, { Fields: ['v1'] });
    expect((await remove('v2')).body.count).toBe(1);
    expect((await search('families', query({ Fields: 'v1' }))).map(({ content }) => content.ID)).toEqual([
      'f2',
    ]);
    // Each end is opened for the reader: what they may not read is not there.
    const other = agency.dataAs(stranger);
    const grant = (code: string, fields: string[]) =>
      agency.database.putAccess({
        params: { code },
        body: { application: stranger, methods: ['read'], fields },
      });
    await grant('families', ['ID', 'Home', 'Fields']);
    expect(await links('families', f2.uuid, other)).toEqual([]);
    await grant('villages', ['ID']);
    expect(await links('families', f2.uuid, other)).toEqual([
      ['to', 'villages', 'Fields', ['v1']],
      ['to', 'villages', 'Home', ['v1']],
    ]);
    expect(await links('villages', v1.uuid, other)).toEqual([
      ['from', 'families', 'Fields', ['f2']],
      ['from', 'families', 'Home', ['f2']],
    ]);
  });

  it('[REG-6.1-2-b] to parents make no cycle, also when two are made at the same moment', async () => {
    await publish(
      'units',
      schemaOf({ ID: text(1, { unique: true }), Above: text(2, key('units', 1, { kind: 'parent' })) }),
    );
    for (const [ID, Above] of [['a'], ['b', 'a'], ['c', 'b'], ['x'], ['y']])
      await create('units', Above ? { ID, Above } : { ID });
    expect((await refusal(change('units', { ID: 'a' }, { Above: 'c' }))).status).toBe(409);
    expect((await refusal(change('units', { ID: 'a' }, { Above: 'a' }))).status).toBe(409);
    await change('units', { ID: 'c' }, { Above: 'a' });
    for (let round = 0; round < 2; round += 1) {
      const both = await Promise.allSettled([
        change('units', { ID: 'x' }, { Above: 'y' }),
        change('units', { ID: 'y' }, { Above: 'x' }),
      ]);
      expect(both.filter(({ status }) => status === 'fulfilled').length).toBeLessThan(2);
      for (const ID of ['x', 'y']) await change('units', { ID }, { Above: null });
    }
  });

  it('[REG-6.1-2-e] are refused in a schema that says what they cannot do', async () => {
    const list = { type: 'array', id: 2, items: { type: 'string' } };
    const A = text(1);
    const pointer = ['/schema/properties/B/foreignKeys'];
    expect(await wrong(schemaOf({ A, B: { ...list, ...key('x', 1, { onDelete: 'cascade' }) } }))).toEqual(
      pointer,
    );
    expect(await wrong(schemaOf({ A, B: text(2, key('x', 1, { kind: 'loose' })) }))).toEqual(pointer);
    expect(await wrong(schemaOf({ A, B: text(2, key('x', 1, { onDelete: 'explode' })) }))).toEqual(pointer);
    expect(await wrong(schemaOf({ A, B: { type: 'object', id: 2, ...key('x', 1) } }))).toEqual(pointer);
    await publish('plots', schemaOf({ ID: text(1, { unique: true }) }));
    await publish('gardens', schemaOf({ Plot: text(1, key('plots', 1)) }));
    const hidden = publish('plots', schemaOf({ ID: text(1, { unique: true, secret: true }) }));
    expect((await refusal(hidden)).status).toBe(409);
    const accepted = agency.database.publishDraft({
      params: { code: 'plots' },
      body: { acceptBreaking: true },
    });
    expect((await defects(accepted)).pointers).toEqual(['/schema/properties/ID']);
    const elsewhere = publish('trees', schemaOf({ B: text(2, key('plots', 1, { kind: 'parent' })) }));
    expect((await defects(elsewhere)).pointers).toEqual(pointer);
  });
});

describe('kinds of values', () => {
  it('[REG-6.1-3-d] places and shapes are GeoJSON, and points are found in a box', async () => {
    const code = await agency.publish(
      schemaOf({
        ID: text(1, { unique: true }),
        Place: { type: 'GeoPoint', id: 2, filterable: true },
        Area: { type: 'GeoShape', id: 3 },
      }),
    );
    const point = (...coordinates: number[]) => ({ type: 'Point', coordinates });
    const square = [
      [0, 0],
      [1, 0],
      [1, 1],
      [0, 0],
    ];
    const Area = { type: 'Polygon', coordinates: [square] };
    await create(code, { ID: 'a', Place: point(36.8, -1.3), Area });
    await create(code, { ID: 'b', Place: point(179.9, 10) });
    await create(code, { ID: 'c', Place: point(-179.9, 11) });
    await create(code, { ID: 'd' });
    expect((await read(code, { ID: 'a' })).content.Area).toEqual(Area);
    const within = async (...value: number[]) =>
      (await search(code, { filter: [{ field: 'Place', operator: 'within', value }] })).map(
        ({ content }) => content.ID,
      );
    expect(await within(36, -2, 37, -1)).toEqual(['a']);
    expect(await within(179, 0, -179, 20)).toEqual(['b', 'c']);
    expect((await refusal(within(1, 2, 3))).status).toBe(400);
    const pointers = async (content: object) =>
      (await defects(create(code, { ID: 'z', ...content }))).pointers;
    expect(await pointers({ Place: point(181, 0) })).toEqual(['/write/content/Place/coordinates/0']);
    expect(await pointers({ Place: { type: 'Polygon', coordinates: [0, 0] } })).toEqual([
      '/write/content/Place/type',
    ]);
    expect(
      await pointers({ Area: { type: 'Polygon', coordinates: [square.map(([x], i) => [x, i])] } }),
    ).toEqual(['/write/content/Area/coordinates']);
    expect((await pointers({ Area: { type: 'Circle', coordinates: [0, 0] } }))?.[0]).toBe(
      '/write/content/Area/type',
    );
  });

  it('[REG-6.1-17-b][REG-6.1-17-c] several values keep the same rules each; hints for screens stay in the schema', async () => {
    const ui = { mask: '000-000', format: 'phone', help: 'With area code' };
    const code = await agency.publish(
      schemaOf({
        ID: text(1, { unique: true }),
        Phones: {
          type: 'array',
          id: 2,
          items: { type: 'string', pattern: '^[0-9-]+$', 'x-ui': ui },
          minItems: 1,
          maxItems: 2,
          uniqueItems: true,
          filterable: true,
          'x-ui': ui,
        },
        Scores: { type: 'array', id: 3, items: { type: 'integer', minimum: 0, maximum: 10 } },
      }),
    );
    await create(code, { ID: 'a', Phones: ['12-3', '45'], Scores: [0, 10] });
    const pointers = async (content: object) =>
      (await defects(create(code, { ID: 'z', ...content }))).pointers;
    expect(await pointers({ Phones: ['1', 'x'] })).toEqual(['/write/content/Phones/1']);
    expect(await pointers({ Phones: [] })).toEqual(['/write/content/Phones']);
    expect(await pointers({ Phones: ['1', '2', '3'] })).toEqual(['/write/content/Phones']);
    expect(await pointers({ Phones: ['1', '1'] })).toEqual(['/write/content/Phones']);
    expect(await pointers({ Scores: [3, 11] })).toEqual(['/write/content/Scores/1']);
    expect((await search(code, query({ Phones: '45' }))).length).toBe(1);
    expect((await search(code, query({ Phones: '46' }))).length).toBe(0);
    const schema = (await agency.data.readSchema({ params: at(code), headers: {} })).body;
    expect(schema.properties).toMatchObject({ Phones: { 'x-ui': ui, items: { 'x-ui': ui } } });
    expect(await wrong(schemaOf({ A: text(1, { 'x-ui': 'mask' }) }))).toEqual(['/schema/properties/A/x-ui']);
  });

  it('[REG-6.1-14-b] a person has several identifiers, each finds who looked, and none is changed', async () => {
    const code = await agency.publish(
      schemaOf({
        National: text(1, { unique: true, owner: true, readOnly: true }),
        Passport: text(2, { owner: true }),
        Tax: { type: 'integer', id: 3, owner: true, secret: true },
        Name: text(4, { personal: true }),
      }),
    );
    await create(code, { National: 'N-77', Passport: 'P 88', Tax: 99, Name: 'Ana' });
    await read(code, { National: 'N-77' }, { 'x-purpose': 'several' });
    for (const identifier of ['N77', 'p88', '99']) {
      const usage = (await agency.data.queryUsage({ body: { identifier } })).body;
      expect(usage.map(({ purpose }) => purpose)).toEqual(['several']);
    }
    expect((await agency.data.queryUsage({ body: { identifier: 'Ana' } })).body).toEqual([]);
    expect((await refusal(change(code, { National: 'N-77' }, { National: 'N-78' }))).status).toBe(400);
  });

  it('[REG-6.1-3-c][REG-6.1-3-e] blocks group fields with rules of their own, in every script', async () => {
    const address = {
      type: 'object',
      id: 2,
      required: ['街道'],
      properties: { 街道: { type: 'string', maxLength: 5 }, 'n°': { type: 'integer' } },
      additionalProperties: false,
    };
    const code = await agency.publish(schemaOf({ Имя: text(1, { unique: true }), العنوان: address }));
    const content = { Имя: 'Жанна 👩‍⚕️', العنوان: { 街道: '长安街', 'n°': 3 } };
    await create(code, content);
    expect((await read(code, { Имя: content.Имя })).content).toEqual(content);
    expect((await defects(create(code, { Имя: 'x', العنوان: { 街道: '长安街长安街' } }))).pointers).toEqual([
      '/write/content/العنوان/街道',
    ]);
  });
});

describe('rules between fields', () => {
  const rules = [
    {
      if: { field: 'status', operator: 'eq', value: 'deceased' },
      must: { field: 'died', operator: 'isNull', value: false },
      message: 'is needed of the deceased',
    },
    { must: { field: 'died', operator: 'ge', than: 'born' } },
    {
      must: {
        all: [
          { field: 'born', operator: 'le', value: 'today' },
          { field: 'died', operator: 'le', value: 'now' },
        ],
      },
    },
    {
      if: {
        not: {
          any: [
            { field: 'age', operator: 'lt', value: 18 },
            { field: 'status', operator: 'in', value: ['child'] },
          ],
        },
      },
      must: { field: 'guardian', operator: 'isNull' },
    },
  ];
  const properties = {
    id: text(1, { unique: true }),
    status: text(2),
    born: text(3, { format: 'date' }),
    died: text(4, { format: 'date' }),
    age: { type: 'integer', id: 5 },
    guardian: text(6),
  };

  it('[REG-4.1-b] are kept by every write, and a value that is missing breaks none', async () => {
    const code = await agency.publish(schemaOf(properties, { rules }));
    const pointers = async (call: Promise<unknown>) => (await defects(call)).pointers;
    await create(code, { id: 'a', status: 'alive', born: '2000-01-01', guardian: 'g' });
    expect(await pointers(create(code, { id: 'b', status: 'deceased' }))).toEqual(['/write/content/died']);
    expect(await pointers(change(code, { id: 'a' }, { status: 'deceased' }))).toEqual([
      '/write/content/died',
    ]);
    expect(await pointers(change(code, { id: 'a' }, { died: '1999-01-01' }))).toEqual([
      '/write/content/died',
    ]);
    expect(await pointers(create(code, { id: 'b', born: '2999-01-01' }))).toEqual(['/write/content/born']);
    await change(code, { id: 'a' }, { status: 'deceased', died: '2020-01-01' });
    expect(await pointers(change(code, { id: 'a' }, { died: null }))).toEqual(['/write/content/died']);
    expect(await pointers(create(code, { id: 'b', age: 20, status: 'alive', guardian: 'g' }))).toEqual([
      '/write/content/guardian',
    ]);
    await create(code, { id: 'b', age: 17, status: 'alive', guardian: 'g' });
    const all = agency.data.updateRecords({
      params: at(code),
      body: { ...query({ guardian: 'g' }), ...write({ age: 40 }) },
    });
    expect((await refusal(all)).status).toBe(400);
    expect((await read(code, { id: 'b' })).content.age).toBe(17);
    const batch = agency.data.createRecords({
      params: at(code),
      body: { write: [write({ id: 'c' }).write, write({ id: 'd', status: 'deceased' }).write] },
    });
    expect(await pointers(batch)).toEqual(['/write/1/content/died']);
  });

  it('[REG-4.1-b] that say nothing sensible are refused with the place', async () => {
    const one = (rule: object) =>
      wrong(schemaOf({ ...properties, pin: text(9, { secret: true }) }, { rules: [rule] }));
    expect(await one({})).toEqual(['/schema/rules/0/must']);
    expect(await one({ must: { field: 'nothing', operator: 'eq', value: 1 } })).toEqual([
      '/schema/rules/0/must/field',
    ]);
    expect(await one({ must: { field: 'age', operator: 'like', value: 1 } })).toEqual([
      '/schema/rules/0/must/operator',
    ]);
    expect(await one({ must: { field: 'age', operator: 'gt', value: 'old' } })).toEqual([
      '/schema/rules/0/must/value',
    ]);
    expect(await one({ must: { field: 'age', operator: 'gt', than: 'born' } })).toEqual([
      '/schema/rules/0/must/than',
    ]);
    expect(await one({ must: { field: 'pin', operator: 'eq', value: '1' } })).toEqual([
      '/schema/rules/0/must/field',
    ]);
    expect(await one({ if: { any: [] }, must: { field: 'age', operator: 'isNull' } })).toEqual([
      '/schema/rules/0/if/any',
    ]);
    expect(await wrong(schemaOf(properties, { rules: 'all' }))).toEqual(['/schema/rules']);
  });
});

describe('any schema of these kinds', () => {
  const alphabet = fc.stringMatching(/^[a-zA-Z ÄéжЖ安😀'"\\{}]{0,12}$/u);
  const degrees = (most: number) => fc.integer({ min: -most * 1000, max: most * 1000 }).map((n) => n / 1000);
  const position = fc.tuple(degrees(180), degrees(90)).map((pair) => [...pair]);
  const day = fc
    .integer({ min: -20_000, max: 40_000 })
    .map((days) => new Date(days * 86_400_000).toISOString());
  const nullable = <T>(one: fc.Arbitrary<T>) => fc.option(one, { nil: undefined, freq: 5 });
  /** What a schema says of a field, with values it takes. */
  const kinds: readonly (readonly [object, fc.Arbitrary<unknown>])[] = [
    [{ type: 'string' }, alphabet],
    [{ type: 'integer' }, fc.maxSafeInteger()],
    [{ type: 'number' }, fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => n + 0)],
    [{ type: 'boolean' }, fc.boolean()],
    [{ type: 'string', format: 'date' }, day.map((one) => one.slice(0, 10))],
    [{ type: 'string', format: 'date-time' }, day],
    [{ type: 'string', format: 'time' }, day.map((one) => `${one.slice(11, 19)}Z`)],
    [{ type: 'string', enum: ['a', 'b'] }, fc.constantFrom('a', 'b')],
    [{ type: 'array', items: { type: 'string' } }, fc.array(alphabet, { maxLength: 4 })],
    [{ type: 'object' }, fc.dictionary(alphabet, fc.oneof(fc.integer(), alphabet), { maxKeys: 3 })],
    [{ type: 'GeoPoint' }, position.map((coordinates) => ({ type: 'Point', coordinates }))],
    [
      { type: 'GeoShape' },
      fc
        .array(position, { minLength: 2, maxLength: 5 })
        .map((coordinates) => ({ type: 'LineString', coordinates })),
    ],
  ];
  const field = fc
    .tuple(fc.constantFrom(...kinds), fc.boolean(), fc.boolean())
    .chain(([[said, values], secret, filterable]) =>
      fc.record({
        said: fc.constant({
          ...said,
          secret,
          filterable: filterable && !(secret && 'type' in said && /array|object|Geo/.test(String(said.type))),
        }),
        values: fc.tuple(nullable(values), nullable(values)),
      }),
    );

  it('[REG-6.1-15-a][REG-6.1-3-a] gives back what was written, before and after a change, and shows no secret', async () => {
    let made = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(field, { minLength: 1, maxLength: 8 }), async (some) => {
        made += 1;
        const marker = `marked${made}walnut`;
        const code = await agency.publish(
          schemaOf({
            ID: text(1, { unique: true }),
            Mark: text(2, { secret: true, filterable: true }),
            ...Object.fromEntries(some.map(({ said }, index) => [`F ${index}`, { ...said, id: index + 3 }])),
          }),
        );
        const contentAt = (turn: 0 | 1) => ({
          Mark: `${marker}${turn}`,
          ...Object.fromEntries(some.map(({ values }, index) => [`F ${index}`, values[turn]])),
        });
        const present = (content: object) =>
          Object.fromEntries(Object.entries(content).filter(([, value]) => value !== undefined));
        const issued = await agency.database.issueClientKey({
          params: { code },
          body: { application: 'TEST/GOV/CRA/civil-registry' },
        });
        const headers = { 'x-registry-key': issued.body.key };
        await create(code, { ID: 'a', ...present(contentAt(0)) });
        expect((await read(code, { ID: 'a' }, headers)).content).toEqual({
          ID: 'a',
          ...present(contentAt(0)),
        });
        const next = Object.fromEntries(
          Object.entries(contentAt(1)).map(([name, value]) => [name, value ?? null]),
        );
        await change(code, { ID: 'a' }, next);
        const after = { ID: 'a', ...present(contentAt(1)) };
        expect((await read(code, { Mark: `${marker}1` }, headers)).content).toEqual(after);
        const secret = some.flatMap(({ said }, index) => (said.secret ? [`F ${index}`] : []));
        const open = Object.entries(after).filter(([name]) => name !== 'Mark' && !secret.includes(name));
        expect((await read(code, { ID: 'a' })).content).toEqual(Object.fromEntries(open));
      }),
      { numRuns: 8 },
    );
    expect(await tablesWith(db(), 'walnut')).toEqual([]);
  });
});

describe('what an answer and the history say', () => {
  const history = async (code: string, id: string) =>
    (await agency.data.readHistory({ params: { ...at(code), id } })).body.changes.map(({ before, after }) => [
      before,
      after,
    ]);

  it('[REG-6.1-7-a] is what the record says, of times of day too', async () => {
    const code = await agency.publish(
      schemaOf({ ID: text(1, { unique: true }), At: { type: 'string', format: 'time', id: 2 } }),
    );
    const { uuid } = await create(code, { ID: 'a', At: '11:00:00.000Z' });
    let before: object = { ID: 'a', At: '11:00:00Z' };
    expect((await read(code, { ID: 'a' })).content).toEqual(before);
    for (const [sent, kept] of [
      ['13:00:00.500+02:00', '11:00:00.5Z'],
      ['00:30:00.123456-01:30', '02:00:00.123456Z'],
      ['23:59:59.999999z', '23:59:59.999999Z'],
    ]) {
      const after = { ID: 'a', At: kept };
      expect((await change(code, { ID: 'a' }, { At: sent })).content).toEqual(after);
      expect((await read(code, { ID: 'a' })).content).toEqual(after);
      expect((await history(code, uuid)).at(-1)).toEqual([before, after]);
      before = after;
    }
    expect(await defects(change(code, { ID: 'a' }, { At: '23:59:59.9999999Z' }))).toEqual({
      status: 400,
      pointers: ['/write/content/At'],
    });
  });

  it('[REG-6.1-7-a][REG-6.1-4-c] is what the newest version says when an older one writes what that cannot hold', async () => {
    const code = await agency.publish(schemaOf({ ID: text(1, { unique: true }), Note: text(2) }));
    await agency.database.putDraft({
      params: { code },
      body: {
        schema: schemaOf({
          ID: text(1, { unique: true }),
          Note: { type: 'array', id: 2, items: { type: 'string' } },
        }),
      },
    });
    await agency.database.publishDraft({ params: { code }, body: { acceptBreaking: true } });
    const first = at(code, '1.0');
    const { uuid } = (
      await agency.data.createRecord({ params: first, body: write({ ID: 'x', Note: 'abc' }) })
    ).body;
    await agency.data.updateRecord({
      params: first,
      headers: {},
      body: { ...query({ ID: 'x' }), ...write({ Note: 'def' }) },
    });
    expect((await read(code, { ID: 'x' })).content).toEqual({ ID: 'x' });
    const changes = await history(code, uuid);
    for (const [before, after] of changes) {
      expect(after).toEqual({ ID: 'x' });
      expect(before ?? { ID: 'x' }).toEqual({ ID: 'x' });
    }
    expect(changes).toHaveLength(2);
  });

  it('[REG-6.1-5-b] nothing is written when a document of an older version is not there', async () => {
    const code = await agency.publish(
      schemaOf({ ID: text(1), Photos: { type: 'array', id: 2, items: { type: 'file' } } }),
    );
    await publish(
      code,
      schemaOf({ ID: text(1), Photos: { type: 'array', id: 2, items: { type: 'object' } } }),
    );
    const $documentId = '00000000-0000-7000-8000-000000000000';
    const refused = agency.data.createRecord({
      params: at(code, '1.0'),
      body: write({ ID: 'p', Photos: [{ $documentId }] }),
    });
    expect((await refusal(refused)).status).toBe(400);
    expect(await search(code, {})).toEqual([]);
  });
});
