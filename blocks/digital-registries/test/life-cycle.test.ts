import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Agency, at, query, refusal, startAgency, write } from './fixtures/agency.ts';

let agency: Agency;
beforeAll(async () => {
  agency = await startAgency({ deletionWaitDays: 0 });
});
afterAll(() => agency.node.stop());

const text = (id: number, extra: object = {}) => ({ type: 'string', id, ...extra });
const schemaOf = (properties: object, extra: object = {}) => ({ type: 'object', properties, ...extra });
const plot = schemaOf({ Number: text(1, { unique: true }), Area: { type: 'integer', id: 2 }, Use: text(3) });
let codes = 0;
const nextCode = (): string => `plots-${++codes}`;
const put = (code: string, schema: object, details: object = {}) =>
  agency.database.putDraft({ params: { code }, body: { ...details, schema } });
const publish = async (code: string, acceptBreaking = false) =>
  (await agency.database.publishDraft({ params: { code }, body: { acceptBreaking } })).body;
const create = async (code: string, content: Record<string, unknown>, version = 'latest') =>
  (await agency.data.createRecord({ params: at(code, version), body: write(content) })).body;
const read = async (code: string, content: Record<string, unknown>, version = 'latest') =>
  (await agency.data.readRecord({ params: at(code, version), body: query(content), headers: {} })).body
    .content;

describe('the life of a registry', () => {
  it('[REG-6.1-1-b][REG-6.1-1-c][REG-6.1-1-d][REG-6.1-4-a] goes from draft to published to archived, in that order only', async () => {
    const code = nextCode();
    const details = {
      name: 'Plots',
      description: 'Plots of land',
      domain: 'land',
      institution: 'National Land Agency',
      retentionDays: 3650,
      classification: 'confidential' as const,
    };
    const draft = (await put(code, plot, details)).body;
    expect(draft.report).toEqual([]);
    const info = async () => (await agency.database.getRegistry({ params: { id: code } })).body;
    expect(await info()).toMatchObject({
      ...details,
      state: 'draft',
      isDraft: true,
      storageProfile: 'standard',
    });
    expect((await refusal(create(code, { Number: '1' }))).status).toBe(404);
    const archive = () => agency.database.putRegistryState({ params: { code }, body: { state: 'archived' } });
    expect((await refusal(archive())).status).toBe(409);
    expect((await publish(code)).version).toBe('1.0');
    await create(code, { Number: '1' });
    await archive();
    expect(await info()).toMatchObject({ state: 'archived', isArchived: true });
    expect(await read(code, { Number: '1' })).toEqual({ Number: '1' });
    expect((await refusal(create(code, { Number: '2' }))).status).toBe(409);
    expect((await refusal(put(code, plot))).status).toBe(409);
  });

  it('[REG-9.1-b][REG-6.1-32] ends with its records: a draft at once, a published one as an archive first', async () => {
    const code = nextCode();
    const remove = async () => (await agency.database.deleteRegistry({ params: { id: code } })).body;
    await put(code, plot);
    expect(await remove()).toBe('Success');
    expect((await refusal(agency.database.getRegistry({ params: { id: code } }))).status).toBe(404);
    await put(code, plot);
    await publish(code);
    await create(code, { Number: '1' });
    const { id } = (await agency.database.getRegistry({ params: { id: code } })).body;
    expect(await remove()).toBe('Success');
    expect((await refusal(read(code, { Number: '1' }))).status).toBe(404);
    const { rows } = await sql`select from pg_class where relname = ${`r_${id}`}`.execute(
      agency.node.database('digital-registries'),
    );
    expect(rows).toHaveLength(0);
    expect(await remove()).toBe('Success');
    await put(code, plot);
    expect((await publish(code)).version).toBe('1.0');
  });

  it('waits before an archive is deleted', async () => {
    const patient = await startAgency();
    try {
      const code = await patient.publish(plot);
      const remove = () => patient.database.deleteRegistry({ params: { id: code } });
      await remove();
      expect((await patient.database.getRegistry({ params: { id: code } })).body.state).toBe('archived');
      expect((await refusal(remove())).status).toBe(409);
    } finally {
      await patient.node.stop();
    }
  });

  it('[REG-4.1-a][REG-6.1-4-e] deprecates and deletes versions; records stay, the newest version too', async () => {
    const code = nextCode();
    await put(code, plot);
    await publish(code);
    await create(code, { Number: '1', Use: 'crops' });
    await put(code, schemaOf({ ...plot.properties, Owner: text(4) }));
    await publish(code);
    const version = (one: string) => ({ code, version: one });
    await agency.database.putVersionState({ params: version('1.0'), body: { state: 'deprecated' } });
    const { versions } = (await agency.database.getRegistry({ params: { id: code } })).body;
    expect(versions.map(({ version: one, state }) => [one, state])).toEqual([
      ['2.0', 'published'],
      ['1.0', 'deprecated'],
    ]);
    expect(await read(code, { Number: '1' }, '1.0')).toEqual({ Number: '1', Use: 'crops' });
    await agency.database.deleteVersion({ params: version('1.0') });
    expect((await refusal(read(code, { Number: '1' }, '1.0'))).status).toBe(404);
    expect(await read(code, { Number: '1' })).toEqual({ Number: '1', Use: 'crops' });
    expect((await refusal(agency.database.deleteVersion({ params: version('2.0') }))).status).toBe(409);
  });

  it('[REG-6.1-10][REG-6.1-11] takes its schema out and in again, as JSON and as YAML', async () => {
    const code = nextCode();
    await put(code, plot);
    await publish(code);
    const path = `/registries/${code}/versions/1.0/schema`;
    const request = (method: string, to: string, headers: Record<string, string>, body?: string) =>
      agency.node.mediator.exchange({
        client: 'TEST/GOV/CRA/civil-registry',
        service: 'TEST/GOV/CRA/civil-registry/registry-database-v1',
        method,
        path: to,
        headers,
        ...(body === undefined ? {} : { body }),
      });
    const yaml = (await request('GET', path, { accept: 'application/yaml' })).body.toString('utf8');
    expect(yaml).toMatch(/^type: object/);
    const copy = nextCode();
    const indented = yaml.replaceAll(/^/gm, '  ');
    const draft = await request(
      'PUT',
      `/registries/${copy}/draft`,
      { 'content-type': 'application/yaml' },
      `name: Copy\nschema:\n${indented}`,
    );
    expect(draft.status).toBe(200);
    await publish(copy);
    const exported = async (of: string) =>
      (await agency.database.exportSchema({ params: { code: of, version: '1.0' } })).body;
    expect(await exported(copy)).toEqual(await exported(code));
    expect(Object.keys((await exported(copy)).properties as object)).toEqual(['Number', 'Area', 'Use']);
  });
});

describe('a new version', () => {
  it('[REG-6.1-4-f] is compared with the one before: the report names every change and whether it breaks', async () => {
    const code = nextCode();
    await put(code, plot);
    await publish(code);
    const next = schemaOf(
      {
        'Plot number': text(1, { unique: true }),
        Area: { type: 'number', id: 2 },
        Use: text(3, { enum: ['crops'] }),
        Owner: text(4),
        Since: text(5),
      },
      { required: ['Since'] },
    );
    const { report } = (await put(code, next)).body;
    expect(report.map(({ pointer, breaking }) => [pointer.split('/').at(-1), breaking])).toEqual([
      ['Plot number', false],
      ['Area', false],
      ['Use', true],
      ['Owner', false],
      ['Since', true],
    ]);
    expect((await refusal(publish(code))).problem?.errors?.map(({ pointer }) => pointer)).toEqual([
      '/schema/properties/Use',
      '/schema/properties/Since',
    ]);
    expect((await publish(code, true)).version).toBe('2.0');
    expect((await refusal(agency.database.getDraft({ params: { code } }))).status).toBe(404);
  });

  it('[REG-6.1-4-d][REG-6.1-4-c] with another type gets the old values, and both versions read what either writes', async () => {
    const code = nextCode();
    await put(code, schemaOf({ Key: text(1, { unique: true }), Size: text(2), When: text(3) }));
    await publish(code);
    for (const [Key, Size, When] of [
      ['a', '12', '2020-01-02'],
      ['b', 'large', 'soon'],
      ['c', '7', '2021-03-04'],
    ])
      await create(code, { Key, Size, When } as Record<string, string>);
    await put(
      code,
      schemaOf({
        Key: text(1, { unique: true }),
        Size: { type: 'integer', id: 2 },
        When: { type: 'string', format: 'date', id: 3 },
      }),
    );
    expect((await publish(code, true)).version).toBe('2.0');
    expect(await read(code, { Key: 'a' })).toEqual({ Key: 'a', Size: 12, When: '2020-01-02' });
    expect(await read(code, { Key: 'b' })).toEqual({ Key: 'b' });
    expect(await read(code, { Key: 'b' }, '1.0')).toEqual({ Key: 'b', Size: 'large', When: 'soon' });
    await create(code, { Key: 'd', Size: 40 });
    expect(await read(code, { Key: 'd' }, '1.0')).toEqual({ Key: 'd', Size: '40' });
    await create(code, { Key: 'e', Size: '41' }, '1.0');
    expect(await read(code, { Size: 41 })).toEqual({ Key: 'e', Size: 41 });
    const update = (content: Record<string, unknown>, version: string) =>
      agency.data.updateRecord({
        params: at(code, version),
        headers: {},
        body: { ...query({ Key: 'c' }), ...write(content) },
      });
    await update({ Size: 8 }, '2.0');
    expect(await read(code, { Key: 'c' }, '1.0')).toEqual({ Key: 'c', Size: '8', When: '2021-03-04' });
    await update({ Size: 'none' }, '1.0');
    expect(await read(code, { Key: 'c' })).toEqual({ Key: 'c', When: '2021-03-04' });
  });

  it('loses nothing that is written while it is being published, by either version', async () => {
    const code = nextCode();
    await put(code, schemaOf({ Key: text(1, { unique: true }), Size: text(2) }));
    await publish(code);
    const many = (from: number, count: number) =>
      Array.from({ length: count }, (_, index) => ({
        content: { Key: `k${from + index}`, Size: `${from + index}` },
      }));
    for (let from = 0; from < 6000; from += 1000)
      await agency.data.createRecords({ params: at(code), body: { write: many(from, 1000) } });
    await put(
      code,
      schemaOf({ Key: text(1, { unique: true }), Size: { type: 'integer', id: 2, filterable: true } }),
    );
    let publishing = true;
    const published = publish(code, true).finally(() => {
      publishing = false;
    });
    let written = 10_000;
    const writer = async (): Promise<void> => {
      while (publishing) {
        const n = written++;
        await create(code, { Key: `k${n}`, Size: `${n}` }, '1.0');
        await agency.data.updateRecord({
          params: at(code, '1.0'),
          headers: {},
          body: { ...query({ Key: `k${n % 6000}` }), ...write({ Size: `${n}` }) },
        });
      }
    };
    await Promise.all([writer(), writer(), writer(), published]);
    const rows = await sql<{ bad: string; n: string }>`
      select count(*) as n, count(*) filter (where f_2::bigint is distinct from f_2_2) as bad
      from ${sql.id('reg', `r_${(await agency.database.getRegistry({ params: { id: code } })).body.id}`)}`.execute(
      agency.node.database('digital-registries'),
    );
    expect(Number(rows.rows[0]?.n)).toBeGreaterThanOrEqual(6000 + written - 10_000 - 3);
    expect(rows.rows[0]?.bad).toBe('0');
  });

  it('that would make duplicates unique is refused, and can be tried again', async () => {
    const code = nextCode();
    await put(code, schemaOf({ Key: text(1), Kind: text(2) }));
    await publish(code);
    const first = await create(code, { Key: 'a' });
    await create(code, { Key: 'a' });
    await put(code, schemaOf({ Key: text(1, { unique: true }), Kind: text(2) }));
    const failed = await refusal(publish(code, true));
    expect(failed.status).toBe(409);
    expect(failed.problem?.errors?.[0]?.pointer).toBe('/schema/properties/Key');
    expect((await agency.database.getDraft({ params: { code } })).body.failure).toMatch(/same value/);
    expect((await refusal(read(code, { Key: 'a' }, '2.0'))).status).toBe(404);
    await agency.data.deleteRecord({ params: { ...at(code), id: first.uuid } });
    expect((await publish(code, true)).version).toBe('2.0');
    expect((await refusal(create(code, { Key: 'a' }))).status).toBe(409);
  });

  it('published twice at once is published once', async () => {
    const code = nextCode();
    await put(code, plot);
    const outcomes = await Promise.allSettled(Array.from({ length: 4 }, () => publish(code)));
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect((await agency.database.getRegistry({ params: { id: code } })).body.versions).toHaveLength(1);
    const modify = (schema: object) =>
      agency.database.modifyRegistry({ body: { groupName: 'g', catalogName: 'n', code, schema } });
    const next = schemaOf({ ...plot.properties, Extra: text(9) });
    const both = await Promise.all([modify(next), modify(next)]);
    expect(both.map(({ body }) => body.version)).toEqual(['2.0', '2.0']);
  });
});

describe('a schema', () => {
  it('[REG-6.1-3-a][REG-6.1-3-b][REG-6.1-17-a][REG-6.1-17-b][REG-6.1-17-c] holds fields of every type with their rules, and refuses what breaks them', async () => {
    const code = nextCode();
    await put(
      code,
      schemaOf(
        {
          Name: { type: 'string', minLength: 2, maxLength: 5 },
          Count: { type: 'integer', minimum: 1, maximum: 9 },
          Rate: { type: 'number' },
          Active: { type: 'boolean' },
          Born: { type: 'string', format: 'date' },
          Seen: { type: 'string', format: 'date-time' },
          Opens: { type: 'string', format: 'time' },
          Kind: { type: 'string', enum: ['a', 'b'] },
          Tags: { type: 'array', items: { type: 'string', maxLength: 3 }, maxItems: 2 },
          Children: {
            type: 'array',
            items: { type: 'object', properties: { id: { type: 'integer', id: 77 } } },
          },
          Picture: { type: 'file', fileTypes: ['image/png'] },
        },
        { required: ['Name'] },
      ),
    );
    await publish(code);
    const whole = {
      Name: 'Ana',
      Count: 3,
      Rate: 1.25,
      Active: false,
      Born: '2001-02-03',
      Seen: '2026-01-01T10:00:00.000Z',
      Opens: '08:30:00Z',
      Kind: 'b',
      Tags: ['x', 'yz'],
      Children: [{ id: 1 }, { id: 2 }],
      Picture: { url: 'https://files.example/1', originalName: 'a.png', type: 'image/png' },
    };
    const { Opens, ...rest } = (await create(code, whole)).content;
    expect(rest).toEqual({ ...whole, Opens: undefined });
    expect(await read(code, { Name: 'Ana' })).toMatchObject({
      Tags: ['x', 'yz'],
      Picture: whole.Picture,
      Seen: whole.Seen,
    });
    expect(Opens).toMatch(/^08:30/);
    const bad = {
      Name: 'A',
      Count: 10,
      Rate: 'x',
      Active: 1,
      Born: '2001-13-01',
      Seen: 'now',
      Opens: '25:00',
      Kind: 'c',
      Tags: ['long'],
      Children: [{ id: 'x' }],
      Picture: { ...whole.Picture, type: 'image/gif' },
    };
    const failed = await refusal(create(code, bad));
    expect(new Set(failed.problem?.errors?.map(({ pointer }) => pointer?.split('/')[3])).size).toBe(11);
  });

  it('that cannot be a registry is refused with every reason', async () => {
    const failed = await refusal(
      put(
        nextCode(),
        schemaOf(
          {
            A: { type: 'some string' },
            ' B': text(1),
            C: text(1),
            D: { type: 'string', pattern: '(' },
            E: { type: 'array', unique: true },
            F: {
              type: 'string',
              triggers: [{ conditions: [], actions: [{ type: 'explode', field_id: 5 }] }],
            },
            G: { type: 'string', foreignKeys: [{ databaseKey: '' }] },
          },
          { required: ['Z'], uniques: [['A']] },
        ),
      ),
    );
    expect(failed.status).toBe(400);
    const pointers = failed.problem?.errors?.map(({ pointer }) => pointer).join(' ');
    for (const name of [
      'A/type',
      ' B',
      'C/id',
      '/D',
      '/E',
      'F/triggers',
      'G/foreignKeys',
      '/schema/required',
      'uniques/0',
    ])
      expect(pointers).toContain(name);
    for (const code of ['Upper', '1st', 'a b', 'mypersonaldatausage', "x'--", '../etc'])
      expect([400, 404]).toContain((await refusal(put(code, plot))).status);
  });

  it('[REG-7.2-b][REG-6.1-17-d] numbers records, and its triggers write them', async () => {
    const code = nextCode();
    await put(
      code,
      schemaOf(
        {
          ID: text(1, {
            primaryKey: true,
            readOnly: true,
            triggers: [
              {
                conditions: [{ logic: '==', value: '', gate: '&&' }],
                actions: [{ type: 'set-value', value: '{code}-{indexNoByCode}', field_id: 1 }],
              },
            ],
          }),
          First: text(2, { triggers: [{ conditions: [], actions: [{ type: 'upper-case', field_id: 2 }] }] }),
          Last: text(3),
          Full: text(4, {
            triggers: [
              { conditions: [], actions: [{ type: 'merge', value: ' ', field_id: 4, field_ids: [2, 3] }] },
              {
                conditions: [
                  { logic: '==', value: 'yes', field_id: 5 },
                  { logic: '==', value: 'old', field_id: 5, gate: '||' },
                ],
                actions: [{ type: 'prefix', value: 'Dr ', field_id: 4 }],
              },
            ],
          }),
          Doctor: text(5),
        },
        { required: ['ID'] },
      ),
      { numberFormat: 'NO-{code}-{indexNoByCode}' },
    );
    await publish(code);
    const upper = code.toUpperCase();
    const ana = await create(code, { First: 'Ana', Last: 'Li', Doctor: 'yes' });
    expect(ana.content).toEqual({
      ID: `${upper}-1`,
      First: 'ANA',
      Last: 'Li',
      Full: 'Dr ANA Li',
      Doctor: 'yes',
    });
    expect(ana.number).toBe(`NO-${upper}-1`);
    const both = await Promise.all([create(code, { Last: 'A' }), create(code, { Last: 'B' })]);
    expect(new Set(both.map(({ number }) => number)).size).toBe(2);
    const changed = await agency.data.updateRecord({
      params: at(code),
      headers: {},
      body: { ...query({ ID: `${upper}-1` }), ...write({ Last: 'Wu' }) },
    });
    expect(changed.body.content).toMatchObject({ ID: `${upper}-1`, Full: 'Dr ANA Wu' });
    const rename = { ...query({ ID: `${upper}-1` }), ...write({ ID: 'X' }) };
    expect(
      (await refusal(agency.data.updateRecord({ params: at(code), headers: {}, body: rename }))).status,
    ).toBe(400);
    await agency.data.deleteRecord({ params: { ...at(code), id: `${upper}-1` } });
    expect((await refusal(read(code, { ID: `${upper}-1` }))).status).toBe(404);
  });

  it('keeps combinations unique, and fills in defaults', async () => {
    const code = nextCode();
    await put(
      code,
      schemaOf(
        { Village: text(1), House: { type: 'integer', id: 2 }, State: text(3, { default: 'new' }) },
        { uniques: [['Village', 'House']], required: ['State'] },
      ),
    );
    await publish(code);
    expect((await create(code, { Village: 'A', House: 1 })).content.State).toBe('new');
    await create(code, { Village: 'A', House: 2 });
    const again = await refusal(create(code, { Village: 'A', House: 1 }));
    expect(again.status).toBe(409);
    expect(again.problem?.detail).toMatch(/combination/);
  });
});

describe('linked registries', () => {
  it.each([
    ['refuse', 409, 1],
    ['cascade', 204, 0],
    ['orphan', 204, 1],
  ] as const)('[REG-6.1-2-a][REG-6.1-2-b][REG-6.1-2-c][REG-6.1-2-e] %s when the record they lead to is deleted', async (onDelete, status, left) => {
    const households = nextCode();
    await put(households, schemaOf({ Key: text(1, { unique: true }) }));
    await publish(households);
    const members = nextCode();
    const link = (field: number, extra: object = {}) => [
      { databaseKey: households, values: [{ fieldKey: String(field) }], onDelete, ...extra },
    ];
    await put(members, schemaOf({ Name: text(1), Household: text(2, { foreignKeys: link(9) }) }));
    expect((await refusal(publish(members))).status).toBe(400);
    await put(
      members,
      schemaOf({
        Name: text(1),
        Household: text(2, { foreignKeys: link(1) }),
        Friend: text(3, { foreignKeys: link(1, { kind: 'soft' }) }),
      }),
    );
    await publish(members);
    const { uuid } = await create(households, { Key: 'H1' });
    await create(members, { Name: 'Ana', Household: 'H1', Friend: 'nobody' });
    const failed = await refusal(create(members, { Name: 'Bo', Household: 'H2' }));
    expect(failed.status).toBe(409);
    expect(failed.problem?.errors?.[0]?.pointer).toBe('/write/content/Household');
    const remove = agency.data.deleteRecord({ params: { ...at(households), id: uuid } });
    expect(status === 409 ? (await refusal(remove)).status : (await remove).status).toBe(status);
    const { count } = (await agency.data.searchRecords({ params: at(members), body: {}, headers: {} })).body;
    expect(count).toBe(left);
  });

  it('hold when both ends are written at the same moment', async () => {
    const households = nextCode();
    await put(households, schemaOf({ Key: text(1, { unique: true }) }));
    await publish(households);
    const members = nextCode();
    const foreignKeys = [{ databaseKey: households, values: [{ fieldKey: '1' }], onDelete: 'refuse' }];
    await put(members, schemaOf({ Household: text(2, { foreignKeys }) }));
    await publish(members);
    for (let round = 0; round < 12; round += 1) {
      const { uuid } = await create(households, { Key: `H${round}` });
      const [deleted, joined] = await Promise.allSettled([
        agency.data.deleteRecord({ params: { ...at(households), id: uuid } }),
        create(members, { Household: `H${round}` }),
      ]);
      expect([deleted.status, joined.status].sort()).toEqual(['fulfilled', 'rejected']);
    }
  });
});
