import { randomBytes } from 'node:crypto';
import { operationPath } from '@govstack/platform';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  registryAutomation,
  registryData,
  registryDatabase,
  registryEventsSurface,
} from '../src/api/operations.ts';
import { type Agency, at, agency as owner, query, refusal, startAgency, write } from './fixtures/agency.ts';

let agency: Agency;
beforeAll(async () => {
  agency = await startAgency();
});
afterAll(() => agency.node.stop());

const text = (id: number, extra: object = {}) => ({ type: 'string', id, ...extra });
const publish = (properties: object, extra: object = {}) =>
  agency.publish({ type: 'object', properties, ...extra });
const create = async (code: string, content: Record<string, unknown>) =>
  (await agency.data.createRecord({ params: at(code), body: write(content) })).body;
const status = async (call: Promise<unknown>) => (await refusal(call)).status;
const search = async (code: string, body: object = {}) =>
  (await agency.data.searchRecords({ params: at(code), body, headers: {} })).body;
let drafts = 0;
const draft = (properties: object, extra: object = {}) =>
  agency.database.putDraft({
    params: { code: `draft-${++drafts}` },
    body: { schema: { type: 'object', properties, ...extra } },
  });
/** A request whose body is written as it is. */
const raw = (surface: string, method: string, path: string, body?: string, type = 'application/json') =>
  agency.node.mediator.exchange({
    client: owner,
    service: `${owner}/${surface}`,
    method,
    path,
    headers: body === undefined ? {} : { 'content-type': type },
    ...(body === undefined ? {} : { body }),
  });

describe('values', () => {
  it('are refused when they cannot be kept as they are, and what is kept reads back the same', async () => {
    const code = await publish({
      Text: text(1),
      Whole: { type: 'integer', id: 2, filterable: true },
      Number: { type: 'number', id: 3, filterable: true },
      Day: text(4, { format: 'date' }),
      Moment: text(5, { format: 'date-time', filterable: true }),
      Time: text(6, { format: 'time' }),
      Json: { type: 'object', id: 7 },
    });
    const refused: [string, unknown][] = [
      ['Whole', 2 ** 53],
      ['Whole', 1e300],
      ['Whole', 1.5],
      ['Day', '2026-02-30'],
      ['Day', '0000-01-01'],
      ['Day', 'infinity'],
      ['Moment', '2026-01-01T00:00:00'],
      ['Moment', '2016-12-31T23:59:60Z'],
      ['Moment', '0001-01-01T00:00:00+14:00'],
      ['Moment', '9999-12-31T23:59:59-14:00'],
      ['Moment', '10000-01-01T00:00:00Z'],
      ['Time', '24:00:00'],
      ['Time', '23:59:60'],
      ['Text', 'half \ud800'],
      ['Json', { deep: '\udfff' }],
    ];
    for (const [name, value] of refused)
      expect([name, value, await status(create(code, { [name]: value }))]).toEqual([name, value, 400]);
    const content = {
      Text: '\u200fשלום\u202e',
      Whole: -(2 ** 53 - 1),
      Number: 0.1 + 0.2,
      Day: '2024-02-29',
      Moment: '2026-01-01T00:00:00.123456+02:00',
      Time: '12:30:00Z',
      Json: { '': { constructor: 1, toString: null } },
    };
    const made = await create(code, content);
    const kept = { ...content, Moment: '2025-12-31T22:00:00.123Z' };
    expect(made.content).toEqual(kept);
    expect((await search(code)).results[0]?.content).toEqual(kept);
    // What it was can be written again.
    await agency.data.restoreRecord({ params: { ...at(code), id: made.uuid }, body: { rowVersion: 1 } });
    await create(code, { Number: 1e21, Text: '', Time: '00:00:00Z' });
    const [, second] = (await search(code)).results;
    expect(second?.content).toEqual({ Number: 1e21, Text: '', Time: '00:00:00Z' });
    expect((await search(code, query({ Text: '' }))).results).toHaveLength(1);
    expect((await search(code, query({ Text: null }))).results).toHaveLength(0);
    const big = await raw(
      'registry-data-v1',
      'POST',
      `/data/${code}/latest/create`,
      '{"write":{"content":{"Number":1e400}}}',
    );
    expect(big.status).toBe(400);
  });

  it('are one however Unicode writes them: unique is unique', async () => {
    const code = await publish({ ID: text(1, { unique: true }), Name: text(2) });
    await create(code, { ID: 'Jose\u0301', Name: '\ufa19' });
    expect(await status(create(code, { ID: 'Jos\u00e9' }))).toBe(409);
    expect((await search(code, query({ ID: 'Jos\u00e9' }))).results).toHaveLength(1);
    expect((await search(code, query({ ID: 'Jose\u0301' }))).results).toHaveLength(1);
    expect((await search(code)).results[0]?.content).toEqual({ ID: 'Jos\u00e9', Name: '\ufa19' });
  });

  it('that are too long for an index, too deep, or too many are refused', async () => {
    const code = await publish({
      ID: text(1, { unique: true }),
      Json: { type: 'object', id: 2 },
      Words: text(3, { searchable: true }),
    });
    expect(await status(create(code, { ID: randomBytes(6000).toString('base64') }))).toBe(400);
    const words = Array.from({ length: 90_000 }, (_, index) => `${index.toString(36)}word`).join(' ');
    expect(await status(create(code, { ID: 'w', Words: words }))).toBe(400);
    for (const deep of [
      `${'['.repeat(200_000)}${']'.repeat(200_000)}`,
      `${'{"a":'.repeat(150)}1${'}'.repeat(150)}`,
    ]) {
      const body = `{"write":{"content":{"ID":"d","Json":{"x":${deep}}}}}`;
      const answer = await raw('registry-data-v1', 'POST', `/data/${code}/latest/create`, body);
      expect(answer.status).toBe(400);
      const sought = `{"query":{"content":{"Json":{"x":${deep}}}}}`;
      expect((await raw('registry-data-v1', 'POST', `/data/${code}/latest/search`, sought)).status).toBe(400);
    }
    const many = Object.fromEntries(Array.from({ length: 20_000 }, (_, index) => [`k${index}`, 1]));
    expect((await refusal(create(code, many))).problem?.errors?.length).toBeLessThanOrEqual(100);
    expect(await status(search(code, query({ Json: { x: '\ud800' } })))).toBe(400);
    expect((await search(code)).results).toHaveLength(0);
  });
});

describe('a list', () => {
  it('goes on from values of more digits than a number has, and from moments between milliseconds', async () => {
    const code = await publish({
      Number: { type: 'number', id: 1, filterable: true },
      Moment: text(2, { format: 'date-time', filterable: true }),
      Whole: { type: 'integer', id: 3, filterable: true },
    });
    for (let made = 0; made < 4; made += 1)
      await create(code, { Number: 1, Whole: 1, Moment: '2026-01-01T00:00:00Z' });
    // As an import or an earlier release could have written them.
    const db = agency.node.database('digital-registries');
    const { rows } = await sql<{ id: string }>`select id from registry where code = ${code}`.execute(db);
    await sql`
      update ${sql.id('reg', `r_${rows[0]?.id}`)} r
      set f_1 = 0.12345678901234567890 + n * 0.00000000000000000001, f_3 = 9007199254740993 + n,
        f_2 = '2026-01-01T00:00:00.0001Z'::timestamptz + n * interval '1 microsecond'
      from (select uuid, row_number() over (order by uuid) as n from ${sql.id('reg', `r_${rows[0]?.id}`)}) o
      where o.uuid = r.uuid`.execute(db);
    for (const field of ['Number', 'Moment', 'Whole'])
      for (const descending of [false, true]) {
        const seen: string[] = [];
        let after: string | undefined;
        do {
          const page = await search(code, {
            order: { field, descending },
            pageSize: 1,
            ...(after ? { after } : {}),
          });
          seen.push(...page.results.map(({ uuid }) => uuid));
          after = page.next;
        } while (after && seen.length < 10);
        expect([field, descending, seen.length, new Set(seen).size]).toEqual([field, descending, 4, 4]);
      }
  });

  it('refuses places that are not its own', async () => {
    const code = await publish({ A: text(1, { filterable: true }) });
    await create(code, { A: 'a' });
    const place = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const uuid = '00000000-0000-7000-8000-000000000000';
    for (const after of [
      'x',
      place({}),
      place(['1', { a: 1 }, uuid]),
      place(['1', 'a', '-'.repeat(36)]),
      place(['1-', 'a', uuid]),
      place(['1; drop table registry', 'a', uuid]),
      place(['1', ['a'], uuid]),
    ])
      expect([after, await status(search(code, { order: { field: 'A' }, after }))]).toEqual([after, 400]);
  });
});

describe('a schema', () => {
  it('with rules that could hold everybody up is refused, naming the field', async () => {
    const refused: object[] = [
      { A: text(1, { pattern: '(?=a)' }) },
      { A: text(1, { pattern: '(' }) },
      { A: { type: 'object', id: 1, properties: { b: { $ref: '#' } } } },
      { A: { type: 'object', id: 1, properties: { b: { $ref: 'https://example.org/x.json' } } } },
      { A: { type: 'array', id: 1, items: { anyOf: [{ $id: 'taken' }] } } },
      { A: { type: 'array', id: 1, uniqueItems: true } },
      { A: { type: 'object', id: 1, allOf: Array.from({ length: 3000 }, () => ({ minProperties: 1 })) } },
      { A: text(1, { default: 5 }) },
      { A: { type: 'integer', id: 1, default: 'x' } },
      { A: { type: 'string', id: 3_000_000_000 } },
      { 'A\u202eB': text(1) },
      { 'A\nB': text(1) },
      { 'A\ud800': text(1) },
      { 'Jos\u00e9': text(1), 'Jose\u0301': text(2) },
    ];
    for (const properties of refused)
      expect([JSON.stringify(properties).slice(0, 60), await status(draft(properties))]).toEqual([
        JSON.stringify(properties).slice(0, 60),
        400,
      ]);
    expect(await status(draft({ A: text(1) }, { incrementIndex: 1e300 }))).toBe(400);
  });

  it('with a pattern that other engines never finish costs no more than the text', async () => {
    const code = await publish({
      A: text(1, { pattern: '^(a+)+$' }),
      B: text(2, { pattern: '^[A-Z]{2}[0-9]+$' }),
    });
    const begun = performance.now();
    expect(await status(create(code, { A: `${'a'.repeat(5000)}!` }))).toBe(400);
    expect(performance.now() - begun).toBeLessThan(5000);
    expect((await create(code, { A: 'aaa', B: 'AB12' })).content).toEqual({ A: 'aaa', B: 'AB12' });
  });

  it('with unique sets of many fields keeps each of them, however alike their names', async () => {
    const names = Array.from({ length: 24 }, (_, index) => `F${index}`);
    const properties = Object.fromEntries(names.map((name, index) => [name, text(1000 + index)]));
    const code = await publish(properties, { uniques: [names.slice(0, 23), [...names.slice(0, 22), 'F23']] });
    const content = (extra: object) => ({
      ...Object.fromEntries(names.map((name) => [name, 'x'])),
      ...extra,
    });
    await create(code, content({}));
    expect(await status(create(code, content({ F23: 'y' })))).toBe(409);
    expect(await status(create(code, content({ F22: 'y' })))).toBe(409);
    await create(code, content({ F0: 'y' }));
  });

  it('of 400 fields takes whole records', async () => {
    const names = Array.from({ length: 400 }, (_, index) => `Field ${index}`);
    const code = await publish(Object.fromEntries(names.map((name, index) => [name, text(index + 1)])));
    const content = Object.fromEntries(names.map((name) => [name, 'x']));
    expect((await create(code, content)).content).toEqual(content);
  });

  it('with triggers that feed on each other cannot fill the memory', async () => {
    const properties: Record<string, object> = { F0: text(1) };
    for (let index = 1; index < 40; index += 1)
      properties[`F${index}`] = text(index + 1, {
        triggers: [{ conditions: [], actions: [{ type: 'merge', value: '', field_ids: [index, index] }] }],
      });
    const code = await publish(properties);
    expect(await status(create(code, { F0: 'x'.repeat(10) }))).toBe(400);
  });

  it('with triggers writes what they make in the type of the field', async () => {
    const set = (value: string) => [{ conditions: [], actions: [{ type: 'set-value', value }] }];
    const code = await publish({
      Flag: { type: 'boolean', id: 1, triggers: set('true') },
      Count: { type: 'integer', id: 2, triggers: set('7') },
    });
    expect((await create(code, {})).content).toEqual({ Flag: true, Count: 7 });
    expect((await search(code)).results[0]?.content).toEqual({ Flag: true, Count: 7 });
  });
});

describe('many who publish at once', () => {
  it('[REG-6.1-29] do not hold each other up, of one registry or of many', async () => {
    const schema = { type: 'object', properties: { A: text(1) } };
    const codes = Array.from({ length: 30 }, (_, index) => `crowd-${index}`);
    await Promise.all(
      codes.map((code) =>
        agency.database.modifyRegistry({ body: { code, groupName: 'g', catalogName: code, schema } }),
      ),
    );
    const same = await Promise.all(
      Array.from({ length: 30 }, (_, index) =>
        agency.database
          .modifyRegistry({
            body: {
              code: 'crowd-0',
              groupName: 'g',
              catalogName: 'c',
              schema: {
                type: 'object',
                properties: { A: text(1), [`B${index % 3}`]: text(2 + (index % 3)) },
              },
            },
          })
          .catch((error: { status: number }) => error.status),
      ),
    );
    expect(same.every((one) => typeof one === 'object' || one === 409)).toBe(true);
    // Writers go on while versions are published.
    const { versions } = (await agency.database.getRegistry({ params: { id: 'crowd-1' } })).body;
    expect(versions).toHaveLength(1);
    await Promise.all([
      ...Array.from({ length: 10 }, (_, index) => create('crowd-1', { A: `${index}` })),
      ...Array.from({ length: 3 }, (_, index) =>
        agency.database.modifyRegistry({
          body: {
            code: 'crowd-1',
            groupName: 'g',
            catalogName: 'c',
            schema: { type: 'object', properties: { A: text(1), [`N${index}`]: text(10 + index) } },
          },
        }),
      ),
    ]);
    expect((await search('crowd-1')).results).toHaveLength(10);
  });
});

describe('links', () => {
  it('between fields of other types are refused or followed, never a fault', async () => {
    const parent = await publish({
      No: { type: 'integer', id: 1, unique: true },
      Name: text(2, { unique: true }),
    });
    const link = (field: number) => ({
      foreignKeys: [{ databaseKey: parent, values: [{ fieldKey: field }] }],
    });
    const child = await publish({ ByNo: text(1, link(1)), ByName: { type: 'integer', id: 2, ...link(2) } });
    const { uuid } = await create(parent, { No: 7, Name: 'seven' });
    expect(await status(create(child, { ByNo: 'seven' }))).toBe(409);
    await create(child, { ByNo: '7' });
    expect(await status(agency.data.deleteRecord({ params: { ...at(parent), id: uuid } }))).toBe(409);
    const other = await create(parent, { No: 8, Name: 'eight' });
    await agency.data.deleteRecord({ params: { ...at(parent), id: other.uuid } });
  });

  it('[REG-6.1-2-e] a record does not come back when what it led to is gone, nor beside one that took its unique value', async () => {
    const parent = await publish({ ID: text(1, { unique: true }) });
    const child = await publish({
      ID: text(1, { unique: true }),
      Parent: text(2, { foreignKeys: [{ databaseKey: parent, values: [{ fieldKey: 1 }] }] }),
    });
    const up = await create(parent, { ID: 'p' });
    const below = await create(child, { ID: 'c', Parent: 'p' });
    const remove = (code: string, id: string) => agency.data.deleteRecord({ params: { ...at(code), id } });
    const restore = (code: string, id: string) =>
      agency.data.restoreRecord({ params: { ...at(code), id }, body: {} });
    await remove(child, below.uuid);
    await remove(parent, up.uuid);
    expect(await status(restore(child, below.uuid))).toBe(409);
    await create(parent, { ID: 'p' });
    expect(await status(restore(parent, up.uuid))).toBe(409);
    await restore(child, below.uuid);
    expect((await search(child)).results).toHaveLength(1);
  });
});

describe('requests', () => {
  it('are answered, whatever they are: nothing is a fault of ours', async () => {
    const code = await publish({
      A: text(1, { unique: true, searchable: true }),
      B: { type: 'integer', id: 2 },
    });
    await create(code, { A: 'a', B: 1 });
    const bodies = [
      undefined,
      '',
      '{',
      'null',
      '[]',
      '"x"',
      '1',
      '{}',
      '{"__proto__":{"a":1}}',
      '{"write":null,"query":null}',
      '{"write":{"content":[]},"query":{"content":[]}}',
      '{"query":{"content":{"A":{"a":1}}},"write":{"content":{"A":[1]}}}',
      '{"definition":{"when":{},"targets":[null]}}',
      '{"schema":{"properties":{"A":null}}}',
    ];
    const values = [
      code,
      'nobody',
      "x' or '1'='1",
      '../../x',
      '%',
      '\u202e',
      'x'.repeat(300),
      '0',
      '-1',
      '00000000-0000-0000-0000-000000000000',
    ];
    const faults: unknown[] = [];
    for (const surface of [registryData, registryDatabase, registryEventsSurface, registryAutomation])
      for (const spec of Object.values(surface.operations)) {
        const names = [...spec.path.matchAll(/\{([^}]+)\}/g)].map(([, name]) => name as string);
        const withAll = (value: string) => Object.fromEntries(names.map((name) => [name, value]));
        const good = {
          ...withAll('x'),
          registryName: code,
          versionNumber: 'latest',
          code,
          id: 'nobody',
          version: '1.0',
          fieldAndType: 'A.json',
        };
        const paths = [
          operationPath(spec as never, good),
          ...(names.length > 0 ? values.map((value) => operationPath(spec as never, withAll(value))) : []),
        ];
        const ask = async (path: string, body?: string, type?: string) => {
          const answer = await raw(surface.name, spec.method, path, body, type);
          if (answer.status >= 500) faults.push([spec.id, path, body, answer.status]);
          return answer.status;
        };
        for (const path of paths) await ask(path, 'body' in spec ? '{}' : undefined);
        if (!('body' in spec) || spec.id === 'deleteRegistry') continue;
        for (const body of bodies) await ask(paths[0] as string, body);
        for (const type of ['text/plain', 'application/xml', 'multipart/form-data; boundary=x'])
          expect([spec.id, type, await ask(paths[0] as string, '{}', type)]).toEqual([spec.id, type, 415]);
      }
    expect(faults).toEqual([]);
    expect((await search(code, query({ A: 'a' }))).results).toHaveLength(1);
  });

  it('that say something twice under one key are the same request, or refused', async () => {
    const [one, other] = [await publish({ A: text(1) }), await publish({ A: text(1) })];
    const make = (code: string, idempotencyKey: string, A: string) =>
      agency.data.createRecord({ params: at(code), body: write({ A }), idempotencyKey });
    const first = (await make(one, 'k1', 'x')).body;
    expect((await make(one, 'k1', 'x')).body.uuid).toBe(first.uuid);
    expect(await status(make(other, 'k1', 'x'))).toBe(422);
    expect(await status(make(one, 'k1', 'y'))).toBe(422);
    const update = (match: string) =>
      agency.data.updateRecord({
        params: at(one),
        headers: { 'if-match': match },
        body: { ...query({ A: 'x' }), ...write({ A: 'z' }) },
      });
    for (const match of ['"0"', '"2"', '999999999']) expect(await status(update(match))).toBe(412);
    for (const match of ['*', '"-1"', '1.0', 'W/"1"']) expect(await status(update(match))).toBe(400);
    expect((await update('"1"')).body.rowVersion).toBe(2);
  });

  it('that name what is reserved or not a name are refused, also as YAML', async () => {
    for (const code of ['mypersonaldatausage', 'MyPersonalDataUsage', 'x;drop', '-a', 'a'.repeat(61), 'é'])
      expect([
        code,
        await status(
          agency.database.putDraft({
            params: { code },
            body: { schema: { type: 'object', properties: { A: text(1) } } },
          }),
        ),
      ]).toEqual([code, 400]);
    const yaml = (body: string) =>
      raw('registry-database-v1', 'PUT', '/registries/yaml-1/draft', body, 'application/yaml');
    expect((await yaml('schema: {type: object, properties: {A: {type: string, id: 1}}}')).status).toBe(200);
    for (const bad of [
      'schema: *nowhere',
      '{',
      'schema: !!js/function "x"',
      `schema: ${'['.repeat(300)}${']'.repeat(300)}`,
      'a: &a [x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nschema: {type: object, properties: {A: {type: string, enum: *b}}}\n<<: *b',
    ])
      expect([bad, (await yaml(bad)).status]).toEqual([bad, 400]);
  });
});
