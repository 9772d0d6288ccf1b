import { compileValidator } from '@govstack/platform';
import fc from 'fast-check';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { registryServices, registryViews } from '../src/api/operations.ts';
import { exampleOf } from '../src/descriptions/example.ts';
import { compileSchema } from '../src/schema/compile.ts';
import { standardServices } from '../src/services/standard.ts';
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
beforeAll(async () => {
  agency = await startAgency();
});
afterAll(() => agency.node.stop());

const servicesAs = (as: string) =>
  agency.node.client(registryServices, { as, service: `${owner}/registry-services-v1` });
const schema = {
  type: 'object',
  properties: {
    Plate: {
      type: 'string',
      id: 1,
      unique: true,
      pattern: '^[A-Z]{2}-\\d{3}$',
      description: 'Plate, as on the car',
    },
    Make: { type: 'string', id: 2, enum: ['Volta', 'Ohm'] },
    Seats: { type: 'integer', id: 3, minimum: 2, example: 4 },
    Keeper: { type: 'string', id: 4, personal: true },
    Built: { type: 'string', format: 'date', id: 5 },
  },
  required: ['Plate'],
};
const cars = [
  { Plate: 'AA-001', Make: 'Volta', Seats: 4, Keeper: 'Ana' },
  { Plate: 'AA-002', Make: 'Ohm', Seats: 2, Keeper: 'Bo' },
];
const fresh = async (): Promise<string> => {
  const code = await agency.publish(schema);
  await agency.data.createRecords({
    params: at(code),
    body: { write: cars.map((content) => ({ content })) },
  });
  return code;
};
const of = (code: string, service: string, version = 'latest') => ({ code, version, service });
const setState = (
  code: string,
  service: string,
  state: 'visible' | 'hidden' | 'disabled',
  version = 'latest',
) => servicesAs(owner).putServiceState({ params: of(code, service, version), body: { state } });
const list = async (code: string, version = 'latest') =>
  (await servicesAs(owner).listServices({ params: { code, version } })).body.services;
const read = async (code: string, as = owner, version = 'latest') =>
  (await agency.dataAs(as).readRecord({ params: at(code, version), body: query({ Plate: 'AA-001' }) })).body
    .content;
const listed = async (code: string, as = owner) => {
  const { paths } = (await servicesAs(as).readDocument({ params: { code } })).body as {
    paths: Record<string, object>;
  };
  return Object.keys(paths);
};
const call = async (code: string, service: string, body: Record<string, unknown>, as = owner) =>
  (await agency.dataAs(as).callService({ params: { ...at(code), service }, body })).body;

describe('the services of a version', () => {
  it('[REG-6.1-31-a][REG-6.1-32][REG-6.1-5-h] are there by themselves at each publication, and told with the registry', async () => {
    const code = await fresh();
    const names = (await list(code)).map(({ name }) => name);
    expect(names).toEqual(standardServices.map(({ name }) => name));
    for (const needed of ['create', 'read', 'update', 'delete', 'exists', 'update-or-create'])
      expect(names).toContain(`data-${needed}`);
    const { genericServices } = (await agency.database.getRegistry({ params: { id: code } })).body;
    expect(genericServices[0]).toEqual({ serviceId: 1, name: 'data-create', isVisible: true, usedCount: 0 });
    await agency.database.putDraft({
      params: { code },
      body: {
        schema: { ...schema, properties: { ...schema.properties, Colour: { type: 'string', id: 6 } } },
      },
    });
    await agency.database.publishDraft({ params: { code }, body: {} });
    expect(await list(code, '2.0')).toHaveLength(standardServices.length);
    expect(await listed(code)).toContain(`/data/${code}/2.0/read`);
  });

  it('count how often they are used, refused calls not', async () => {
    const code = await fresh();
    for (let i = 0; i < 3; i += 1) await read(code);
    await Promise.all(Array.from({ length: 10 }, () => read(code)));
    await refusal(agency.data.readRecord({ params: at(code), body: query({ Nothing: 1 }) }));
    const uses = Object.fromEntries((await list(code)).map(({ name, usedCount }) => [name, usedCount]));
    expect(uses).toMatchObject({ 'data-read': 13, 'data-create-entries': 1, 'data-exists': 0 });
    const { genericServices } = (await agency.database.getRegistry({ params: { id: code } })).body;
    expect(genericServices.find(({ name }) => name === 'data-read')?.usedCount).toBe(13);
  });

  it('[REG-6.1-5-d][REG-6.1-31-b] are hidden and still work; disabled or deleted they do not, at once, for this version only', async () => {
    const code = await fresh();
    const path = `/data/${code}/1.0/read`;
    await setState(code, 'data-read', 'hidden');
    expect(await read(code)).toMatchObject({ Make: 'Volta' });
    expect(await listed(code)).not.toContain(path);
    expect(await listed(code)).toContain(`/data/${code}/1.0/exists`);
    await setState(code, 'data-read', 'disabled');
    expect((await refusal(read(code))).status).toBe(403);
    await setState(code, 'data-read', 'visible');
    expect(await read(code)).toMatchObject({ Make: 'Volta' });
    expect(await listed(code)).toContain(path);
    await servicesAs(owner).deleteService({ params: of(code, 'data-read') });
    expect((await refusal(read(code))).status).toBe(404);
    expect((await list(code)).map(({ name }) => name)).not.toContain('data-read');
    expect((await refusal(setState(code, 'data-read', 'visible'))).status).toBe(404);
    await servicesAs(owner).putService({ params: of(code, 'data-read'), body: { base: 'data-read' } });
    expect(await read(code)).toMatchObject({ Make: 'Volta' });
    // What was said holds for the next version, which is then free to say otherwise.
    await setState(code, 'data-read', 'disabled');
    await agency.database.putDraft({
      params: { code },
      body: {
        schema: { ...schema, properties: { ...schema.properties, Colour: { type: 'string', id: 6 } } },
      },
    });
    await agency.database.publishDraft({ params: { code }, body: {} });
    expect((await refusal(read(code))).status).toBe(403);
    await setState(code, 'data-read', 'visible', '2.0');
    expect(await read(code)).toMatchObject({ Make: 'Volta' });
    expect((await refusal(read(code, owner, '1.0'))).status).toBe(403);
  });

  it('[REG-6.1-5-d][REG-6.1-31-b] are copied under names of their own, narrower in fields and records, never wider', async () => {
    const code = await fresh();
    const copy = (service: string, body: object) =>
      servicesAs(owner).copyService({ params: of(code, service), body: body as never });
    await copy('data-search', {
      name: 'volta-cars',
      description: 'Cars made by Volta',
      fields: ['Plate', 'Seats'],
      filter: [{ field: 'Make', operator: 'eq', value: 'Volta' }],
    });
    const { results } = (await call(code, 'volta-cars', {})) as { results: { content: object }[] };
    expect(results.map(({ content }) => content)).toEqual([{ Plate: 'AA-001', Seats: 4 }]);
    for (const probe of [query({ Keeper: 'Ana' }), { order: { field: 'Make' } }])
      expect((await refusal(call(code, 'volta-cars', probe))).status).toBe(400);
    expect((await refusal(call(code, 'volta-cars', { pageSize: 0 }))).problem?.errors).toEqual([
      expect.objectContaining({ pointer: '/pageSize' }),
    ]);
    await copy('volta-cars', { name: 'volta-plates', fields: ['Plate'] });
    const plates = (await call(code, 'volta-plates', {})) as { results: { content: object }[] };
    expect(plates.results.map(({ content }) => content)).toEqual([{ Plate: 'AA-001' }]);
    const wider = await refusal(copy('volta-plates', { name: 'volta-all', fields: ['Plate', 'Keeper'] }));
    expect([wider.status, wider.problem?.errors?.[0]?.pointer]).toEqual([400, '/fields']);
    expect((await refusal(copy('data-read', { name: 'volta-cars' }))).status).toBe(409);
    expect(await listed(code)).toContain(`/data/${code}/1.0/volta-cars`);
    // The original can go: the narrow one is what is left to use.
    await setState(code, 'data-search', 'disabled');
    expect(((await call(code, 'volta-cars', {})) as { count: number }).count).toBe(1);
    expect((await list(code)).find(({ name }) => name === 'volta-cars')).toMatchObject({
      own: true,
      base: 'data-search',
      usedCount: 2,
      filter: [{ field: 'Make', operator: 'eq', value: 'Volta' }],
    });
    await servicesAs(owner).deleteService({ params: of(code, 'volta-cars') });
    expect((await refusal(call(code, 'volta-cars', {}))).status).toBe(404);
  });

  it('[REG-6.1-31-b] are created: to write few fields, to change few records', async () => {
    const code = await fresh();
    const put = (service: string, body: object) =>
      servicesAs(owner).putService({ params: of(code, service), body: body as never });
    await put('register-car', { base: 'data-create', fields: ['Plate', 'Make'] });
    expect(await call(code, 'register-car', write({ Plate: 'AA-003', Make: 'Ohm' }))).toMatchObject({
      content: { Plate: 'AA-003', Make: 'Ohm' },
    });
    expect((await refusal(call(code, 'register-car', write({ Plate: 'AA-004', Keeper: 'X' })))).status).toBe(
      400,
    );
    await put('seats-of-volta', {
      base: 'data-update',
      fields: ['Plate', 'Seats'],
      filter: [{ field: 'Make', operator: 'eq', value: 'Volta' }],
    });
    const change = (Plate: string, Seats: number) =>
      call(code, 'seats-of-volta', { ...query({ Plate }), ...write({ Seats }) });
    expect(await change('AA-001', 5)).toMatchObject({ content: { Seats: 5 } });
    expect((await refusal(change('AA-002', 6))).status).toBe(404);
    for (const [name, body, pointer] of [
      ['x', { base: 'data-list' }, '/base'],
      ['x', { base: 'no-such' }, '/base'],
      ['search', { base: 'data-search' }, '/service'],
      ['x', { base: 'data-read', fields: ['Nothing'] }, '/fields/0'],
      ['x', { base: 'data-create', fields: ['Make'] }, '/fields'],
      ['x', { base: 'data-create', filter: [{ field: 'Make', operator: 'eq', value: 'Ohm' }] }, '/filter'],
      [
        'x',
        { base: 'data-read', filter: [{ field: 'Nothing', operator: 'eq', value: 1 }] },
        '/filter/0/field',
      ],
    ] as const) {
      const refused = await refusal(put(name, body));
      expect([refused.status, refused.problem?.errors?.[0]?.pointer]).toEqual([400, pointer]);
    }
    const misfit = { base: 'data-read', filter: [{ field: 'Seats', operator: 'gt', value: 'many' }] };
    expect((await refusal(put('x', misfit))).status).toBe(400);
    expect((await list(code)).filter(({ own }) => own)).toHaveLength(2);
  });

  it('[REG-9.1-b] are their owner’s: others change nothing, and learn nothing of a registry that is not theirs to use', async () => {
    const code = await fresh();
    const foreign = servicesAs(stranger);
    const tries = [
      () => foreign.listServices({ params: { code, version: 'latest' } }),
      () => foreign.putServiceState({ params: of(code, 'data-read'), body: { state: 'disabled' } }),
      () => foreign.deleteService({ params: of(code, 'data-read') }),
      () => foreign.putService({ params: of(code, 'own'), body: { base: 'data-read' } }),
    ];
    for (const one of tries) expect((await refusal(one())).status).toBe(403);
    expect(await read(code)).toMatchObject({ Make: 'Volta' });
    await setState(code, 'data-read', 'disabled');
    expect((await refusal(read(code, stranger))).problem?.detail).toBe('Registry not found');
    expect((await refusal(call(code, 'no-such', {}, stranger))).problem?.detail).toBe('Registry not found');
    expect((await refusal(foreign.readDocument({ params: { code } }))).status).toBe(404);
  });
});

interface Document {
  readonly openapi: string;
  readonly paths: Record<string, Record<string, { requestBody?: unknown; parameters: { name: string }[] }>>;
  readonly components: { schemas: Record<string, { properties: Record<string, Record<string, unknown>> }> };
}
const document = async (code: string, as = owner, version?: string) =>
  (await servicesAs(as).readDocument({ params: { code }, query: version ? { version } : {} }))
    .body as unknown as Document;

describe('the description of a registry', () => {
  it('[REG-4.1-e][REG-10.5-c][REG-6.2-34-a] lists all services of all versions in OpenAPI 3.1, each with its own fields', async () => {
    const code = await fresh();
    await agency.database.putDraft({
      params: { code },
      body: {
        schema: { ...schema, properties: { ...schema.properties, Colour: { type: 'string', id: 6 } } },
      },
    });
    await agency.database.publishDraft({ params: { code }, body: {} });
    await agency.database.putVersionState({
      params: { code, version: '1.0' },
      body: { state: 'deprecated' },
    });
    const described = await document(code);
    expect(described.openapi).toBe('3.1.0');
    for (const version of ['1.0', '2.0']) {
      const operations = Object.entries(described.paths)
        .filter(([path]) => path.startsWith(`/data/${code}/${version}`))
        .flatMap(([, item]) => Object.values(item));
      expect(operations).toHaveLength(standardServices.length);
      for (const { parameters } of operations)
        expect(parameters.map(({ name }) => name)).not.toContain('registryName');
    }
    const { schemas } = described.components;
    expect(Object.keys(schemas['Record-1.0']?.properties ?? {})).toEqual(Object.keys(schema.properties));
    expect(Object.keys(schemas['Record-2.0']?.properties ?? {})).toContain('Colour');
    expect(Object.keys((await document(code, owner, '1.0')).paths)).toHaveLength(standardServices.length);
    const references = [...JSON.stringify(described).matchAll(/#\/components\/(\w+)\/([^"]+)/g)];
    for (const [, , name] of references) expect(Object.keys(schemas)).toContain(name);
    const page = (await servicesAs(owner).readPage({ params: { code } })).body;
    expect(page).toContain('Version 1.0 (Deprecated');
    expect(page).toContain(`/data/${code}/2.0/read`);
    expect(page).not.toMatch(/<script|<link|src=/);
  });

  it('[REG-6.2-34-a] is found in a catalogue: registries, versions, services with links, as far as one may', async () => {
    const code = await fresh();
    const found = async (as: string) => {
      let after = '';
      for (;;) {
        const { registries, next } = (await servicesAs(as).listCatalogue({ query: { after } })).body;
        const one = registries.find((registry) => registry.code === code);
        if (one || next === undefined) return one;
        after = next;
      }
    };
    expect((await found(owner))?.versions).toMatchObject([
      { version: '1.0', services: standardServices.map(({ name }) => ({ name })) },
    ]);
    expect((await found(owner))?.document).toBe(`/registries/${code}/openapi.json`);
    expect(await found(stranger)).toBeUndefined();
    await agency.database.putAccess({
      params: { code },
      body: { application: stranger, methods: ['exists'], fields: ['Plate'] },
    });
    expect((await found(stranger))?.versions[0]?.services.map(({ name }) => name)).toEqual(['data-exists']);
    expect(
      Object.keys((await document(code, stranger)).components.schemas['Record-1.0']?.properties ?? {}),
    ).toEqual(['Plate']);
  });

  it('[REG-6.2-34-b] gives every field a description and an example, with which a trial call succeeds', async () => {
    const code = await agency.publish(schema);
    const described = await document(code);
    const { properties } = described.components.schemas['Record-1.0'] ?? { properties: {} };
    for (const field of Object.values(properties)) {
      expect(field.description).toMatch(/\S/);
      expect(field.example).toBeDefined();
    }
    expect(properties.Plate).toMatchObject({ description: 'Plate, as on the car', example: 'AA-111' });
    expect(properties.Seats?.example).toBe(4);
    const exampleFor = (path: string) =>
      (
        described.paths[`/data/${code}/1.0/${path}`]?.[path === 'update' ? 'put' : 'post']?.requestBody as {
          content: { 'application/json': { example: never } };
        }
      ).content['application/json'].example;
    await agency.data.createRecord({ params: at(code), body: exampleFor('create') });
    const found = (await agency.data.readRecord({ params: at(code), body: exampleFor('read') })).body;
    expect(found.content).toMatchObject({ Plate: 'AA-111', Make: 'Volta', Seats: 4 });
    expect(
      (await agency.data.recordExists({ params: at(code), body: exampleFor('exists') })).body.answer.status,
    ).toBe(true);
    await agency.data.updateRecord({ params: at(code), body: exampleFor('update'), headers: {} });
  });

  it('[REG-6.2-34-b] makes examples that the rules of any field take', () => {
    const pattern = fc
      .array(
        fc.oneof(
          fc.constantFrom('[A-Z]', '\\d', '[a-z0-9]', '(ab|c)', '(?:x|yz)', '[^0-9]', '\\w', 'q', '\\.', '-'),
          fc
            .tuple(
              fc.constantFrom('[A-Z]', '\\d', '(ab|c)', 'k'),
              fc.constantFrom('?', '*', '+', '{2}', '{1,3}', '{2,}'),
            )
            .map(([atom, times]) => atom + times),
        ),
        { minLength: 1, maxLength: 6 },
      )
      .map((parts) => ({ type: 'string', pattern: `^${parts.join('')}$` }));
    const bounds = fc.tuple(fc.integer({ min: -50, max: 50 }), fc.nat(40));
    const property = fc.oneof(
      pattern,
      bounds.map(([minimum, more]) => ({ type: 'integer', minimum, maximum: minimum + more })),
      fc.integer({ min: -50, max: 50 }).map((maximum) => ({ type: 'number', maximum })),
      fc.tuple(fc.nat(20), fc.nat(20)).map(([minLength, more]) => ({
        type: 'string',
        minLength,
        maxLength: Math.max(1, minLength + more),
      })),
      fc
        .constantFrom('date', 'date-time', 'time', 'email', 'uuid', 'uri')
        .map((format) => ({ type: 'string', format })),
      fc.uniqueArray(fc.string({ minLength: 1 }), { minLength: 1, maxLength: 4 }).map((values) => ({
        type: 'string',
        enum: values,
      })),
      fc.constant({ type: 'file', fileTypes: ['image/png'] }),
      fc.constant({
        type: 'object',
        required: ['street'],
        properties: { street: { type: 'string', minLength: 3 }, no: { type: 'integer', minimum: 1 } },
      }),
      fc.nat(5).map((minItems) => ({ type: 'array', items: { type: 'integer', minimum: 7 }, minItems })),
    );
    fc.assert(
      fc.property(property, (one) => {
        const options = { before: [], firstFreeId: 1, columns: [], lenient: false };
        const [field] = compileSchema({ type: 'object', properties: { x: one } }, options).fields;
        if (!field) throw new Error('no field');
        const example = exampleOf(field, one);
        expect(
          compileValidator(field.schema as never, 'body', false)(example),
          JSON.stringify(example),
        ).toBeUndefined();
      }),
      { numRuns: 150 },
    );
  });

  it('[REG-7.2-a] comes with the minimum data of registry, schema, record and audit log', async () => {
    const code = await fresh();
    const info = (await agency.database.getRegistry({ params: { id: code } })).body;
    expect(info).toMatchObject({ id: expect.any(Number), code, name: code, version: '1.0' });
    expect(Object.values((info.schema as typeof schema).properties).map(({ id }) => id)).toEqual([
      1, 2, 3, 4, 5,
    ]);
    const record = (
      await agency.data.updateRecord({
        params: at(code),
        headers: {},
        body: { ...query({ Plate: 'AA-002' }), ...write({ Seats: 3 }) },
      })
    ).body;
    expect(record).toMatchObject({ uuid: expect.any(String), number: expect.any(String) });
    const { changes } = (await agency.data.readHistory({ params: { ...at(code), id: record.uuid } })).body;
    expect(changes.at(-1)).toMatchObject({ before: { Seats: 2 }, after: { Seats: 3 } });
    const { rows } = await sql<{ type: string }>`
      select data_type as type from information_schema.columns
      where table_schema = 'reg' and table_name = ${`r_${info.id}`} and column_name = 'f_3'`.execute(
      agency.node.database('digital-registries'),
    );
    expect(rows).toEqual([{ type: 'bigint' }]);
  });
});

describe('a template', () => {
  it('[REG-6.1-20] takes schema, details, views and service settings of a registry to another one, records not', async () => {
    const code = await fresh();
    const views = agency.node.client(registryViews, { as: owner, service: `${owner}/registry-views-v1` });
    await views.putView({
      params: { code: `${code}-plates` },
      body: {
        registry: code,
        name: 'Plates',
        definition: {
          kind: 'records',
          fields: [{ field: 'Plate', as: 'plate' }],
          filter: [{ field: 'Make', operator: 'eq', value: 'Ohm' }],
        },
      },
    });
    await setState(code, 'data-erase', 'disabled');
    await servicesAs(owner).putService({
      params: of(code, 'ohms'),
      body: {
        base: 'data-search',
        fields: ['Plate'],
        filter: [{ field: 'Make', operator: 'eq', value: 'Ohm' }],
      },
    });
    const template = (await servicesAs(owner).exportTemplate({ params: { code } })).body;
    expect(JSON.stringify(template)).not.toContain('AA-001');
    const copy = `${code}-copy`;
    const put = (body: typeof template) => servicesAs(owner).importTemplate({ params: { code: copy }, body });
    expect((await put(template)).body).toEqual({ version: '1.0', views: [`${copy}-plates`] });
    expect((await put(template)).body.version).toBe('1.0');
    expect((await servicesAs(owner).exportTemplate({ params: { code: copy } })).body).toEqual(template);
    await agency.data.createRecords({
      params: at(copy),
      body: { write: cars.map((content) => ({ content })) },
    });
    expect((await views.readRecords({ params: { code: `${copy}-plates` } })).body.results).toEqual([
      { plate: 'AA-002' },
    ]);
    expect(((await call(copy, 'ohms', {})) as { count: number }).count).toBe(1);
    expect((await list(copy)).find(({ name }) => name === 'data-erase')?.state).toBe('disabled');
    const other = { ...template, schema: { type: 'object', properties: { X: { type: 'string', id: 1 } } } };
    expect((await refusal(put(other))).status).toBe(409);
    expect((await refusal(put({ ...template, template: 2 } as never))).status).toBe(400);
  });
});
