import { CallFailed, type Client } from '@govstack/platform';
import { jsonResponse, startTestNode, type TestNode, type TestProvider } from '@govstack/platform/testing';
import fc from 'fast-check';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { registryData, registryDatabase } from '../src/api/operations.ts';
import { digitalRegistries } from '../src/block.ts';

const civil = 'TEST/GOV/CRA/civil-registry';
const social = 'TEST/GOV/MSP/social-registries';
const programme = 'TEST/GOV/MSP/cash-transfer';
const consentService = 'TEST/GOV/DGA/consent/consent-v1';

let consentHolds = true;
const consent: TestProvider = async (request) =>
  request.path.includes('unknown')
    ? jsonResponse(400, {})
    : jsonResponse(200, { consentRecord: { effective: consentHolds } });

let node: TestNode;
beforeAll(async () => {
  node = await startTestNode({
    blocks: [{ block: digitalRegistries, config: { consentService, consentCacheSeconds: 0 } }],
    providers: { [consentService]: consent },
  });
});
afterAll(() => node.stop());

const data = (as: string, owner: string): Client<typeof registryData.operations> =>
  node.client(registryData, { as, service: `${owner}/registry-data-v1` });
const database = (as: string, owner: string): Client<typeof registryDatabase.operations> =>
  node.client(registryDatabase, { as, service: `${owner}/registry-database-v1` });

const refusal = async (call: Promise<unknown>): Promise<CallFailed> => {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(CallFailed);
  return error as CallFailed;
};

const personSchema = {
  type: 'object',
  'x-requires': 'consent',
  required: ['National ID', 'Name'],
  properties: {
    'National ID': {
      type: 'string',
      id: 1,
      unique: true,
      owner: true,
      personal: true,
      readOnly: true,
      minLength: 3,
    },
    Name: { type: 'string', id: 2, personal: true, maxLength: 50 },
    Born: { type: 'string', format: 'date', id: 3, personal: true },
    Children: { type: 'integer', id: 4, minimum: 0 },
    Status: { type: 'string', id: 5, enum: ['alive', 'deceased'], filterable: true },
    Address: { type: 'object', id: 6, personal: true, properties: { street: { type: 'string' } } },
  },
};

let registries = 0;
async function registry(schema: object = personSchema, owner = civil): Promise<string> {
  registries += 1;
  const code = `persons-${registries}`;
  await database(owner, owner).modifyRegistry({
    body: { groupName: 'g', catalogName: 'Persons', code, schema },
  });
  return code;
}
const at = (registryName: string, versionNumber = 'latest') => ({ registryName, versionNumber });
const amina = {
  'National ID': 'LU-1',
  Name: 'Amina',
  Born: '1990-04-02',
  Children: 2,
  Status: 'alive',
  Address: { street: 'Rue 1' },
};
const byId = (id: string) => ({ query: { content: { 'National ID': id } } });

describe('a registry', () => {
  it('[REG-6.1-1-a][REG-6.1-28][REG-6.1-5-a] made from name, short name and schema takes and gives back what was written', async () => {
    const code = await registry();
    const made = (await database(civil, civil).getRegistry({ params: { id: code } })).body;
    expect(made).toMatchObject({ code, name: 'Persons' });
    const api = data(civil, civil);
    const created = (await api.createRecord({ params: at(code), body: { write: { content: amina } } })).body;
    expect(created.content).toEqual(amina);
    const read = (await api.readRecord({ params: at(code.toUpperCase()), body: byId('LU-1'), headers: {} }))
      .body;
    expect(read).toEqual(created);
    expect(
      (await api.recordExists({ params: at(code), body: byId('LU-1'), headers: {} })).body.answer.status,
    ).toBe(true);
    expect(
      (await api.recordExists({ params: at(code), body: byId('LU-2'), headers: {} })).body.answer.status,
    ).toBe(false);
  });

  it('any record a schema allows comes back as it was', async () => {
    const schema = {
      type: 'object',
      properties: {
        t: { type: 'string' },
        i: { type: 'integer' },
        n: { type: 'number' },
        b: { type: 'boolean' },
        d: { type: 'string', format: 'date' },
        j: { type: 'array' },
      },
    };
    const code = await registry(schema);
    const api = data(civil, civil);
    const record = fc.record(
      {
        t: fc.string({ unit: 'grapheme' }).filter((text) => !text.includes('\0')),
        i: fc.maxSafeInteger(),
        n: fc.integer({ min: -1_000_000, max: 1_000_000 }).map((value) => value / 100),
        b: fc.boolean(),
        d: fc
          .date({ min: new Date('1900-01-01'), max: new Date('2100-01-01'), noInvalidDate: true })
          .map((date) => date.toISOString().slice(0, 10)),
        j: fc.array(fc.oneof(fc.integer(), fc.boolean())),
      },
      { requiredKeys: ['t'] },
    );
    await fc.assert(
      fc.asyncProperty(record, async (content) => {
        const { uuid } = (await api.createRecord({ params: at(code), body: { write: { content } } })).body;
        const { results } = (
          await api.searchRecords({
            params: at(code),
            body: { query: { content: { t: content.t } }, pageSize: 1000 },
            headers: {},
          })
        ).body;
        expect(results.find((one) => one.uuid === uuid)?.content).toEqual(content);
      }),
      { numRuns: 40 },
    );
  });

  it('[REG-6.1-4-b][REG-6.1-4-c][REG-6.1-4-d] in a new version keeps the old one, its records and its clients', async () => {
    const code = await registry();
    const api = data(civil, civil);
    await api.createRecord({ params: at(code, '1.0'), body: { write: { content: amina } } });
    const { Children: _, ...kept } = personSchema.properties;
    const next = {
      ...personSchema,
      properties: { ...kept, 'Full name': { ...personSchema.properties.Name }, Phone: { type: 'string' } },
    };
    delete (next.properties as Record<string, unknown>).Name;
    next.required = ['National ID', 'Full name'];
    const admin = database(civil, civil);
    const body = { groupName: 'g', catalogName: 'Persons', code, schema: next };
    expect((await admin.modifyRegistry({ body })).body.version).toBe('2.0');
    expect((await admin.modifyRegistry({ body })).body.version).toBe('2.0');
    const renamed = (await api.readRecord({ params: at(code, '2.0'), body: byId('LU-1'), headers: {} })).body;
    expect(renamed.content['Full name']).toBe('Amina');
    await api.updateRecord({
      params: at(code, '2.0'),
      headers: {},
      body: { ...byId('LU-1'), write: { content: { Phone: '+9991' } } },
    });
    const old = (await api.readRecord({ params: at(code, '1.0'), body: byId('LU-1'), headers: {} })).body;
    expect(old.content).toEqual(amina);
    expect(
      (await refusal(api.readRecord({ params: at(code, '9.0'), body: byId('LU-1'), headers: {} }))).status,
    ).toBe(404);
  });

  it('[REG-6.1-4-f] refuses a version that would break records or clients, with the report', async () => {
    const code = await registry();
    const change = (properties: object, required = personSchema.required) =>
      database(civil, civil).modifyRegistry({
        body: {
          groupName: 'g',
          catalogName: 'P',
          code,
          schema: { ...personSchema, properties: { ...personSchema.properties, ...properties }, required },
        },
      });
    for (const [properties, pointer] of [
      [{ Children: { type: 'boolean', id: 4 } }, 'Children'],
      [{ Status: { type: 'string', id: 5, enum: ['alive'] } }, 'Status'],
      [{ Name: { type: 'string', id: 2, unique: true } }, 'Name'],
    ] as const) {
      const failed = await refusal(change(properties));
      expect(failed.status).toBe(409);
      expect(JSON.stringify(failed.problem?.errors)).toContain(pointer);
    }
    expect(
      (await refusal(change({ New: { type: 'string' } }, [...personSchema.required, 'New']))).status,
    ).toBe(409);
    expect((await refusal(change({ Odd: { type: 'some string' } }))).status).toBe(400);
  });
});

describe('records', () => {
  it('that break the schema are refused field by field and change nothing', async () => {
    const code = await registry();
    const api = data(civil, civil);
    const content = { 'National ID': 'x', Born: 'yesterday', Children: -1, Status: 'unsure', Shoe: 42 };
    const failed = await refusal(api.createRecord({ params: at(code), body: { write: { content } } }));
    expect(failed.problem?.errors?.map((error) => error.pointer).sort()).toEqual(
      [
        '/write/content/Born',
        '/write/content/Children',
        '/write/content/Name',
        '/write/content/National ID',
        '/write/content/Shoe',
        '/write/content/Status',
      ].sort(),
    );
    expect((await api.searchRecords({ params: at(code), body: {}, headers: {} })).body.count).toBe(0);
  });

  it('[REG-6.1-5-b] in a batch are created all or none', async () => {
    const code = await registry();
    const api = data(civil, civil);
    const some = (from: number, count: number) =>
      Array.from({ length: count }, (_, index) => ({
        content: { ...amina, 'National ID': `LU-${from + index}` },
      }));
    expect((await api.createRecords({ params: at(code), body: { write: some(0, 1000) } })).body.count).toBe(
      1000,
    );
    expect(
      (
        await refusal(
          api.createRecords({ params: at(code), body: { write: [...some(2000, 3), ...some(5, 1)] } }),
        )
      ).status,
    ).toBe(409);
    const pages: string[] = [];
    let after: string | undefined;
    do {
      const { results, next } = (
        await api.searchRecords({
          params: at(code),
          body: { pageSize: 400, ...(after ? { after } : {}) },
          headers: {},
        })
      ).body;
      pages.push(...results.map((one) => one.uuid));
      after = next;
    } while (after);
    expect(new Set(pages).size).toBe(1000);
  });

  it('are found by a list of values, and whoever is asked about that way can see it', async () => {
    const code = await registry();
    const api = data(civil, civil);
    await api.createRecords({
      params: at(code),
      body: {
        write: ['LIST-1', 'LIST-2', 'LIST-3'].map((id) => ({ content: { ...amina, 'National ID': id } })),
      },
    });
    const search = async (ids: unknown) =>
      (
        await api.searchRecords({
          params: at(code),
          body: { query: { content: { 'National ID': ids } } },
          headers: {},
        })
      ).body.results.map((one) => one.content['National ID']);
    expect((await search(['LIST-3', 'LIST-1', 'LIST-9'])).sort()).toEqual(['LIST-1', 'LIST-3']);
    expect(await search([])).toEqual([]);
    expect((await refusal(search([null]))).status).toBe(400);
    expect((await refusal(search([['LIST-1']]))).status).toBe(400);
    expect((await refusal(search(Array.from({ length: 1001 }, (_, n) => `LIST-${n}`)))).status).toBe(400);
    const used = async (identifier: string) => (await api.queryUsage({ body: { identifier } })).body.length;
    expect(await used('LIST-2')).toBe(0);
    expect(await used('LIST-9')).toBe(0);
    expect(await used('LIST-3')).toBe(1);
  });

  it('[REG-6.1-5-b] in batches that meet in opposite orders are created by one, and refused to the other', async () => {
    const code = await registry({
      type: 'object',
      properties: { ID: { type: 'string', id: 1, unique: true } },
    });
    const db = node.database('digital-registries');
    const { rows } = await sql<{ id: string }>`select id from registry where code = ${code}`.execute(db);
    const entries = Array.from({ length: 1000 }, (_, n) => ({ content: { ID: `${n}` } }));
    const batches = [entries, [...entries].reverse(), entries, [...entries].reverse()];
    // All of them wait at the table, so that they begin together.
    const outcomes = await db.transaction().execute(async (gate) => {
      await sql`lock table ${sql.id('reg', `r_${rows[0]?.id}`)} in share mode`.execute(gate);
      const calls = batches.map((write) =>
        data(civil, civil)
          .createRecords({ params: at(code), body: { write } })
          .then(({ status }) => status as number)
          .catch((error: CallFailed) => error.status),
      );
      await expect
        .poll(async () => {
          const waiting = await sql<{ count: number }>`
            select count(*)::integer as count from pg_locks
            where relation = ${`reg.r_${rows[0]?.id}`}::regclass and not granted`.execute(gate);
          return waiting.rows[0]?.count;
        })
        .toBe(4);
      return calls;
    });
    expect((await Promise.all(outcomes)).sort()).toEqual([200, 409, 409, 409]);
  });

  it('with the same unique value, written at the same moment: one', async () => {
    const code = await registry();
    const api = data(civil, civil);
    const outcomes = await Promise.allSettled(
      Array.from({ length: 8 }, () =>
        api.createRecord({ params: at(code), body: { write: { content: amina } } }),
      ),
    );
    expect(outcomes.filter((outcome) => outcome.status === 'fulfilled')).toHaveLength(1);
    const retried = await Promise.all(
      Array.from({ length: 4 }, () =>
        api.createRecord({
          params: at(code),
          body: { write: { content: { ...amina, 'National ID': 'LU-9' } } },
          idempotencyKey: `k-${code}`,
        }),
      ),
    );
    expect(new Set(retried.map((one) => one.body.uuid)).size).toBe(1);
  });

  it('are changed only as they were read, one at a time, and the retry of a change is no error', async () => {
    const code = await registry();
    const api = data(civil, civil);
    await api.createRecord({ params: at(code), body: { write: { content: amina } } });
    const change = (content: Record<string, unknown>, match?: string) =>
      api.updateRecord({
        params: at(code),
        headers: match ? { 'if-match': match } : {},
        body: { ...byId('LU-1'), write: { content } },
      });
    expect((await change({ Children: 3 }, '1')).body.rowVersion).toBe(2);
    expect((await refusal(change({ Children: 4 }, '1'))).status).toBe(412);
    const race = await Promise.allSettled(
      Array.from({ length: 6 }, (_, index) => change({ Children: 10 + index }, '2')),
    );
    expect(race.filter((outcome) => outcome.status === 'fulfilled')).toHaveLength(1);
    expect((await refusal(change({ 'National ID': 'LU-7' }))).status).toBe(400);
    const moved = { query: { content: { Status: 'alive' } }, write: { content: { Status: 'deceased' } } };
    await api.updateRecord({ params: at(code), headers: {}, body: moved });
    expect((await api.updateRecord({ params: at(code), headers: {}, body: moved })).status).toBe(200);
    const nobody = { ...byId('LU-99'), write: { content: { Children: 77 } } };
    expect((await refusal(api.updateRecord({ params: at(code), headers: {}, body: nobody }))).status).toBe(
      404,
    );
  });

  it('cannot be reached by an empty query, unknown fields or hostile names', async () => {
    const code = await registry();
    const api = data(civil, civil);
    await api.createRecord({ params: at(code), body: { write: { content: amina } } });
    const read = (content: Record<string, unknown>, name = code) =>
      refusal(api.readRecord({ params: at(name), headers: {}, body: { query: { content } } }));
    expect((await read({})).status).toBe(400);
    expect((await read({ "Name' or 1=1 --": 'x' })).status).toBe(400);
    expect((await read({ uuid: 'x' })).status).toBe(400);
    expect((await read({ Name: { $ne: null } })).status).toBe(400);
    expect((await read({ Name: 'x' }, `${code}"; drop table registry; --`)).status).toBe(404);
    const update = { query: { content: {} }, write: { content: { Children: 0 } } };
    expect((await refusal(api.updateRecord({ params: at(code), headers: {}, body: update }))).status).toBe(
      400,
    );
    expect((await api.searchRecords({ params: at(code), body: {}, headers: {} })).body.count).toBe(1);
  });
});

describe('other agencies', () => {
  it('[REG-6.1-6-a][REG-6.1-6-f] see nothing until granted, and then the granted fields by the granted methods only', async () => {
    const code = await registry();
    await data(civil, civil).createRecord({ params: at(code), body: { write: { content: amina } } });
    const foreign = data(programme, civil);
    const headers = { 'x-consent-reference': 'c-1', 'x-purpose': 'eligibility' };
    expect(
      (await refusal(foreign.readRecord({ params: at(code), body: byId('LU-1'), headers }))).status,
    ).toBe(404);
    await database(civil, civil).putAccess({
      params: { code },
      body: { application: programme, methods: ['read'], fields: ['National ID', 'Status'] },
    });
    const seen = (await foreign.readRecord({ params: at(code), body: byId('LU-1'), headers })).body;
    expect(seen.content).toEqual({ 'National ID': 'LU-1', Status: 'alive' });
    expect(
      (
        await refusal(
          foreign.readRecord({ params: at(code), body: { query: { content: { Name: 'Amina' } } }, headers }),
        )
      ).status,
    ).toBe(400);
    expect((await refusal(foreign.searchRecords({ params: at(code), body: {}, headers }))).status).toBe(403);
    expect(
      (
        await refusal(
          foreign.updateRecord({
            params: at(code),
            headers: {},
            body: { ...byId('LU-1'), write: { content: { Status: 'deceased' } } },
          }),
        )
      ).status,
    ).toBe(403);
    expect(
      (
        await refusal(
          database(programme, civil).modifyRegistry({
            body: { groupName: 'g', catalogName: 'x', code, schema: personSchema },
          }),
        )
      ).status,
    ).toBe(403);
    expect(
      (await refusal(data(programme, social).readRecord({ params: at(code), body: byId('LU-1'), headers })))
        .status,
    ).toBe(404);
  });

  it('[REG-6.1-6-c] read under a consent that is in force, and no longer when it is withdrawn', async () => {
    const code = await registry();
    await data(civil, civil).createRecord({ params: at(code), body: { write: { content: amina } } });
    await database(civil, civil).putAccess({
      params: { code },
      body: { application: programme, methods: ['read'] },
    });
    const read = (headers: object) =>
      data(programme, civil).readRecord({ params: at(code), body: byId('LU-1'), headers });
    expect((await refusal(read({}))).status).toBe(403);
    expect((await refusal(read({ 'x-consent-reference': 'unknown' }))).status).toBe(403);
    expect((await read({ 'x-consent-reference': 'c-1' })).status).toBe(200);
    consentHolds = false;
    expect((await refusal(read({ 'x-consent-reference': 'c-1' }))).status).toBe(403);
    consentHolds = true;
  });
});

describe('what is remembered', () => {
  it('[REG-6.1-8-a][REG-6.1-8-b][REG-6.1-8-c][REG-6.1-8-e] every look at personal data, with reader, reason and ground; for the person to see', async () => {
    const code = await registry();
    const id = `LU-${code}`;
    await data(civil, civil).createRecord({
      params: at(code),
      body: { write: { content: { ...amina, 'National ID': id } } },
    });
    await database(civil, civil).putAccess({
      params: { code },
      body: { application: programme, methods: ['read', 'exists'] },
    });
    const foreign = data(programme, civil);
    const headers = { 'x-consent-reference': 'c-9', 'x-purpose': 'eligibility' };
    await foreign.readRecord({ params: at(code), body: byId(id), headers });
    await foreign.recordExists({ params: at(code), body: byId(id), headers });
    await refusal(foreign.readRecord({ params: at(code), body: byId('LU-nobody'), headers }));
    const usage = (await data(civil, civil).queryUsage({ body: { identifier: id.toLowerCase() } })).body;
    expect(usage.map((entry) => entry.method)).toEqual(['exists', 'read']);
    expect(usage[1]).toMatchObject({
      readerApplication: programme,
      purpose: 'eligibility',
      consentReference: 'c-9',
      registry: code,
    });
    expect(usage[1]?.fields).toEqual(['National ID', 'Name', 'Born', 'Address']);
    const { rows } = await sql<{ row: string }>`select l::text as row from read_log l`.execute(
      node.database('digital-registries'),
    );
    expect(rows.some((one) => one.row.includes(id))).toBe(false);
  });

  it('[REG-6.1-7-a][REG-6.1-7-d] every change, chained: a change of history shows', async () => {
    const code = await registry();
    const api = data(civil, civil);
    const { uuid } = (await api.createRecord({ params: at(code), body: { write: { content: amina } } })).body;
    await api.updateRecord({
      params: at(code),
      headers: {},
      body: { ...byId('LU-1'), write: { content: { Children: 5 } } },
    });
    await api.deleteRecord({ params: { ...at(code), id: uuid } });
    await api.deleteRecord({ params: { ...at(code), id: uuid } });
    const { changes } = (await api.readHistory({ params: { ...at(code), id: uuid } })).body;
    expect(changes.map((change) => change.action)).toEqual(['create', 'update', 'delete']);
    expect(changes[1]?.before).toMatchObject({ Children: 2 });
    expect(
      (await api.recordExists({ params: at(code), body: byId('LU-1'), headers: {} })).body.answer.status,
    ).toBe(false);
    const db = node.database('digital-registries');
    const verify = async () => (await database(civil, civil).verifyChanges({})).body;
    await vi.waitFor(async () => {
      const { rows } = await sql<{
        n: string;
      }>`select count(*) as n from change_log c where not exists (select 1 from change_seal s where s.change_seq = c.seq)`.execute(
        db,
      );
      expect(rows[0]?.n).toBe('0');
    }, 30_000);
    expect((await verify()).brokenAt).toBeNull();
    await expect(sql`update change_content set after = '{}'`.execute(db)).rejects.toThrow('append-only');
    await sql`alter table change_content disable trigger change_content_unchangeable`.execute(db);
    await sql`update change_content set after = replace(after::text, '"4":5', '"4":9')::json where seq = (select seq from change_log where record = ${uuid}::uuid and action = 'update')`.execute(
      db,
    );
    expect((await verify()).brokenAt).not.toBeNull();
    await sql`update change_content set after = replace(after::text, '"4":9', '"4":5')::json where seq = (select seq from change_log where record = ${uuid}::uuid and action = 'update')`.execute(
      db,
    );
    await sql`alter table change_content enable trigger change_content_unchangeable`.execute(db);
    expect((await verify()).brokenAt).toBeNull();
  });

  it('changes are announced when the registry asks for it, by field id, without values', async () => {
    const code = await registry({ ...personSchema, 'x-announce': true });
    const api = data(civil, civil);
    const { uuid } = (await api.createRecord({ params: at(code), body: { write: { content: amina } } })).body;
    await vi.waitFor(
      () =>
        expect(node.published.find((event) => event.subject === uuid)?.data).toEqual({
          owner: civil,
          registry: code,
          record: uuid,
          rowVersion: 1,
          fields: [1, 2, 3, 4, 5, 6],
          position: expect.any(Number),
        }),
      30_000,
    );
  });
});
