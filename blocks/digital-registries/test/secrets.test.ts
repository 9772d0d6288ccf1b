import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Agency, at, query, refusal, startAgency, stranger, write } from './fixtures/agency.ts';
import { tablesWith } from './fixtures/tables.ts';

const portal = 'TEST/GOV/DGA/portal';
let agency: Agency;
beforeAll(async () => {
  agency = await startAgency({ consoles: [portal] });
});
afterAll(() => agency.node.stop());

const schema = {
  type: 'object',
  properties: {
    ID: { type: 'string', id: 1, unique: true },
    Pin: { type: 'string', id: 2, secret: true, unique: true, minLength: 4 },
    Salary: { type: 'integer', id: 3, secret: true, filterable: true },
    Notes: { type: 'object', id: 4, secret: true },
    Village: { type: 'string', id: 5 },
  },
  required: ['ID'],
};
const db = () => agency.node.database('digital-registries');
const keyFor = async (code: string, application: string) =>
  (await agency.database.issueClientKey({ params: { code }, body: { application } })).body;
const create = async (code: string, content: Record<string, unknown>, idempotencyKey?: string) =>
  (
    await agency.data.createRecord({
      params: at(code),
      body: write(content),
      ...(idempotencyKey ? { idempotencyKey } : {}),
    })
  ).body;
const read = async (
  code: string,
  content: Record<string, unknown>,
  headers: Record<string, string> = {},
  data = agency.data,
) => (await data.readRecord({ params: at(code), body: query(content), headers })).body.content;
const change = (code: string, sought: Record<string, unknown>, content: Record<string, unknown>) =>
  agency.data.updateRecord({
    params: at(code),
    headers: {},
    body: { ...query(sought), ...write(content) },
  });

/** How a request is told apart from others under an idempotency key, when nothing in it is secret. */
const fingerprint = (code: string, content: Record<string, unknown>): string =>
  createHash('sha256')
    .update(canonicalize({ params: at(code), body: write(content) }) as string)
    .digest('hex');

const unsealed = async () => {
  const { rows } = await sql<{ n: string }>`
    select count(*) as n
    from change_log c
    where not exists (select from change_seal s where s.change_seq = c.seq)`.execute(db());
  return rows[0]?.n;
};
const sealed = () => expect.poll(unsealed, { timeout: 30_000 }).toBe('0');
const whole = async () => {
  await sealed();
  return (await agency.database.verifyChanges({})).body.brokenAt;
};

describe('secret fields', () => {
  it('[REG-6.1-15-a][REG-6.1-5-g][REG-6.1-17-a] lie in no table, log, fingerprint or answer in the open', async () => {
    const code = await agency.publish(schema);
    const secret = { Pin: 'zebra-4711', Salary: 918273645, Notes: { diagnosis: 'walrusitis' } };
    const made = await create(code, { ID: 's1', Village: 'North', ...secret }, 'key-s1');
    expect(made.content).toEqual({ ID: 's1', Village: 'North' });
    // The repeat gets the same answer.
    expect((await create(code, { ID: 's1', Village: 'North', ...secret }, 'key-s1')).uuid).toBe(made.uuid);
    await change(code, { ID: 's1' }, { Pin: 'zebra-4712' });
    await agency.data.archiveRecord({ params: { ...at(code), id: made.uuid } });
    await agency.data.restoreRecord({ params: { ...at(code), id: made.uuid }, body: {} });
    for (const needle of ['zebra-4711', 'zebra-4712', '918273645', 'walrusitis'])
      expect(await tablesWith(db(), needle)).toEqual([]);
    const plain = await agency.publish({ type: 'object', properties: { ID: { type: 'string' } } });
    await create(plain, { ID: 'p1' }, 'key-p1');
    expect(await tablesWith(db(), fingerprint(plain, { ID: 'p1' }))).toEqual(['platform.idempotency']);
    expect(await tablesWith(db(), fingerprint(code, { ID: 's1', Village: 'North', ...secret }))).toEqual([]);
    const refused = await refusal(create(code, { ID: 's9', Pin: 'owl' }));
    expect(JSON.stringify(refused.responseBody)).not.toContain('owl');
    const clash = await refusal(create(code, { ID: 's9', Pin: 'zebra-4712' }));
    expect(clash.status).toBe(409);
    expect(JSON.stringify(clash.responseBody)).not.toContain('zebra');
    expect(await whole()).toBeNull();
  });

  it('[REG-6.1-18-b] are read by an application with its key only, and it finds records by them', async () => {
    const code = await agency.publish(schema);
    await create(code, { ID: 'a', Pin: '11111', Salary: 700 });
    await create(code, { ID: 'b', Pin: '22222', Salary: 800 });
    expect(await read(code, { ID: 'a' })).toEqual({ ID: 'a' });
    const { key, id } = await keyFor(code, 'TEST/GOV/CRA/civil-registry');
    const headers = { 'x-registry-key': key };
    expect(await read(code, { ID: 'a' }, headers)).toEqual({ ID: 'a', Pin: '11111', Salary: 700 });
    expect(await read(code, { Pin: '22222' }, headers)).toMatchObject({ ID: 'b' });
    expect(await read(code, { Salary: [800, 900] }, headers)).toMatchObject({ ID: 'b' });
    const search = (body: object) => agency.data.searchRecords({ params: at(code), body, headers });
    const found = await search({ filter: [{ field: 'Salary', operator: 'in', value: [700] }] });
    expect(found.body.results.map(({ content }) => content.Pin)).toEqual(['11111']);
    const value = (fieldAndType: string, withKey: object) =>
      agency.data.readValue({
        params: { ...at(code), id: found.body.results[0]?.uuid ?? '', fieldAndType },
        headers: withKey,
      });
    expect((await value('Pin.json', headers)).body).toBe('11111');
    expect((await refusal(value('Pin.json', {}))).status).toBe(404);

    // Without the key it cannot be asked for, guessed at, ordered by, or put into an address.
    const asked = (body: object, withKey: Record<string, string> = {}) =>
      agency.data.searchRecords({ params: at(code), body, headers: withKey });
    expect((await refusal(asked(query({ Pin: '11111' })))).status).toBe(400);
    const exists = agency.data.recordExists({ params: at(code), body: query({ Pin: '11111' }), headers: {} });
    expect((await refusal(exists)).status).toBe(400);
    expect((await refusal(change(code, { Pin: '11111' }, { Village: 'x' }))).status).toBe(400);
    expect((await refusal(change(code, { ID: 'none' }, { Pin: '11111' }))).status).toBe(404);
    expect((await refusal(asked({ order: { field: 'Salary' } }, headers))).status).toBe(400);
    const less = { filter: [{ field: 'Salary', operator: 'lt', value: 750 }] };
    expect((await refusal(asked(less, headers))).status).toBe(400);
    expect((await refusal(asked(query({ Notes: { a: 1 } }), headers))).status).toBe(400);
    const inAddress = agency.data.listRecords({
      params: at(code),
      query: { filter: 'Pin', search: '11111' },
      headers,
    });
    expect((await refusal(inAddress)).status).toBe(400);

    // The key is another one's, of another registry, wrong, or taken away.
    await agency.database.putAccess({ params: { code }, body: { application: stranger, methods: ['read'] } });
    const other = agency.dataAs(stranger);
    expect(await read(code, { ID: 'a' }, {}, other)).toEqual({ ID: 'a' });
    expect((await refusal(read(code, { ID: 'a' }, headers, other))).status).toBe(403);
    const own = await keyFor(code, stranger);
    expect(await read(code, { ID: 'a' }, { 'x-registry-key': own.key }, other)).toMatchObject({
      Pin: '11111',
    });
    const elsewhere = await agency.publish(schema);
    await create(elsewhere, { ID: 'a', Pin: '33333' });
    expect((await refusal(read(elsewhere, { ID: 'a' }, headers))).status).toBe(403);
    await agency.database.revokeClientKey({ params: { code, id } });
    expect((await refusal(read(code, { ID: 'a' }, headers))).status).toBe(403);
    const { keys } = (await agency.database.listClientKeys({ params: { code } })).body;
    expect(keys.map(({ application, revokedAt }) => [application, revokedAt !== null])).toEqual([
      ['TEST/GOV/CRA/civil-registry', true],
      [stranger, false],
    ]);
    expect(await tablesWith(db(), own.key)).toEqual([]);
  });

  it('[REG-6.1-18-b] are open to people with the right, through a console', async () => {
    const code = await agency.publish(schema);
    await create(code, { ID: 'a', Pin: '11111' });
    const personToken = await agency.node.token({ id: 'p1', roles: ['registrar'], agency: 'TEST/GOV/CRA' });
    const through = agency.dataAs(portal);
    const shown = await through.readRecord({
      params: at(code),
      body: query({ Pin: '11111' }),
      headers: {},
      personToken,
    });
    expect(shown.body.content).toEqual({ ID: 'a', Pin: '11111' });
    const changes = await through.readHistory({ params: { ...at(code), id: shown.body.uuid }, personToken });
    expect(changes.body.changes[0]?.after).toEqual({ ID: 'a', Pin: '11111' });
    const ours = await agency.data.readHistory({ params: { ...at(code), id: shown.body.uuid } });
    expect(ours.body.changes[0]?.after).toEqual({ ID: 'a' });
  });

  it('survive what happens to records: change, as-of, restore, erasure', async () => {
    const code = await agency.publish({
      ...schema,
      properties: { ...schema.properties, Salary: { ...schema.properties.Salary, personal: true } },
    });
    const headers = { 'x-registry-key': (await keyFor(code, 'TEST/GOV/CRA/civil-registry')).key };
    const made = await create(code, { ID: 'a', Pin: '11111', Salary: 1 });
    const target = { ...at(code), id: made.uuid };
    await change(code, { ID: 'a' }, { Salary: 2 });
    await agency.data.deleteRecord({ params: target });
    await agency.data.restoreRecord({ params: target, body: { rowVersion: 1 } });
    expect(await read(code, { ID: 'a' }, headers)).toEqual({ ID: 'a', Pin: '11111', Salary: 1 });
    const asOf = (withKey: Record<string, string>) =>
      agency.data.readRecordAsOf({ params: target, query: { at: made.createdAt }, headers: withKey });
    expect((await asOf(headers)).body.content).toEqual({ ID: 'a', Pin: '11111', Salary: 1 });
    expect((await asOf({})).body.content).toEqual({ ID: 'a' });
    expect(await whole()).toBeNull();
    await agency.data.eraseRecord({ params: target, body: { legalGround: 'court order 7' } });
    expect(await read(code, { ID: 'a' }, headers)).toEqual({ ID: 'a', Pin: '11111' });
    expect((await refusal(asOf(headers))).status).toBe(410);
    expect(await whole()).toBeNull();
  });

  it('[REG-6.1-18-a] have a key of their registry, which is never shown and can be replaced while they are read', async () => {
    const [code, other] = [await agency.publish(schema), await agency.publish(schema)];
    const headers = { 'x-registry-key': (await keyFor(code, 'TEST/GOV/CRA/civil-registry')).key };
    const made = await create(code, { ID: 'a', Pin: '11111', Salary: 5 });
    await create(other, { ID: 'a', Pin: '11111', Salary: 5 });
    const id = async (one: string) => (await agency.database.getRegistry({ params: { id: one } })).body.id;
    const stored = async (one: string) =>
      (
        await sql<{ sealed: Buffer; hash: Buffer }>`
          select f_2 as sealed, h_2 as hash from ${sql.table(`reg.r_${await id(one)}`)}`.execute(db())
      ).rows[0] as { sealed: Buffer; hash: Buffer };
    const [before, elsewhere] = [await stored(code), await stored(other)];
    expect(before.hash.equals(elsewhere.hash)).toBe(false);
    // What was sealed in one registry opens in no other.
    await sql`update ${sql.table(`reg.r_${await id(other)}`)} set f_2 = ${before.sealed}`.execute(db());
    const portalRead = agency.dataAs(portal).readRecord({
      params: at(other),
      body: query({ ID: 'a' }),
      headers: {},
      personToken: await agency.node.token({ id: 'p1', roles: ['registrar'], agency: 'TEST/GOV/CRA' }),
    });
    expect((await refusal(portalRead)).status).toBe(500);

    const rotated = (await agency.database.rotateKey({ params: { code } })).body;
    expect(rotated.keyId).toBe(2);
    expect((await refusal(agency.database.rotateKey({ params: { code } }))).status).toBe(409);
    const keys = async () => (await agency.database.listKeys({ params: { code } })).body.keys;
    await vi.waitFor(
      async () => {
        expect(await read(code, { Pin: '11111' }, headers)).toMatchObject({ ID: 'a', Salary: 5 });
        await change(code, { ID: 'a' }, { Salary: 5 + Math.floor(Math.random() * 1000) });
        await change(code, { ID: 'a' }, { Salary: 5 });
        expect((await keys()).map(({ destroyedAt }) => destroyedAt !== null)).toEqual([false, true]);
      },
      { timeout: 30_000, interval: 100 },
    );
    const after = await stored(code);
    expect(after.sealed.readUInt32BE(1)).toBe(2);
    expect(after.hash.equals(before.hash)).toBe(true);
    expect(await read(code, { Pin: '11111' }, headers)).toMatchObject({ ID: 'a', Salary: 5 });
    expect((await refusal(create(code, { ID: 'b', Pin: '11111' }))).status).toBe(409);
    const asOf = await agency.data.readRecordAsOf({
      params: { ...at(code), id: made.uuid },
      query: { at: made.createdAt },
      headers,
    });
    expect(asOf.body.content).toEqual({ ID: 'a', Pin: '11111', Salary: 5 });
    expect(await whole()).toBeNull();
    const { rows } = await sql<{ wrapped: Buffer | null }>`
      select wrapped from registry_key where registry_id = ${await id(code)} and id = 1`.execute(db());
    expect(rows[0]?.wrapped).toBeNull();
    expect(
      (
        await refusal(
          agency.database.rotateKey({
            params: { code: await agency.publish({ type: 'object', properties: { A: { type: 'string' } } }) },
          }),
        )
      ).status,
    ).toBe(409);
  });

  it('[REG-6.1-15-a] become secret with all that was said before, in every version, and open again', async () => {
    const code = 'turning';
    const open = {
      type: 'object',
      properties: { ID: schema.properties.ID, Pin: { type: 'string', id: 2, unique: true } },
    };
    const put = async (properties: object) => {
      await agency.database.putDraft({ params: { code }, body: { schema: { ...open, properties } } });
      return agency.database.publishDraft({ params: { code }, body: { acceptBreaking: true } });
    };
    await put(open.properties);
    const made = await create(code, { ID: 'a', Pin: 'heron-99' });
    await change(code, { ID: 'a' }, { Pin: 'heron-98' });
    expect((await tablesWith(db(), 'heron-9')).length).toBeGreaterThan(0);
    const secret = { ...open.properties, Pin: { ...open.properties.Pin, secret: true } };
    // An attempt that ended when it had added its columns: the next one fills them.
    const { id } = (await agency.database.getRegistry({ params: { id: code } })).body;
    const added = [
      { field: 2, column: 'f_2_2', type: 'sealed', of: 'text' },
      { field: 2, column: 'h_2_2', type: 'sealed', of: 'text', hash: true },
    ];
    await sql`alter table ${sql.table(`reg.r_${id}`)} add f_2_2 bytea, add h_2_2 bytea`.execute(db());
    await sql`
      update registry
      set columns = columns || ${JSON.stringify(added)}::jsonb, revision = revision + 1
      where id = ${id}`.execute(db());
    await put(secret);
    const headers = { 'x-registry-key': (await keyFor(code, 'TEST/GOV/CRA/civil-registry')).key };
    for (const version of ['1.0', '2.0']) {
      const shown = async (withKey: Record<string, string>) =>
        (
          await agency.data.readRecord({
            params: at(code, version),
            body: query({ ID: 'a' }),
            headers: withKey,
          })
        ).body.content;
      expect(await shown({})).toEqual({ ID: 'a' });
      expect(await shown(headers)).toEqual({ ID: 'a', Pin: 'heron-98' });
    }
    await vi.waitFor(async () => expect(await tablesWith(db(), 'heron-9')).toEqual([]), { timeout: 30_000 });
    expect(await whole()).toBeNull();
    expect(await read(code, { Pin: 'heron-98' }, headers)).toMatchObject({ ID: 'a' });
    expect((await refusal(create(code, { ID: 'b', Pin: 'heron-98' }))).status).toBe(409);
    const asOf = async () =>
      (
        await agency.data.readRecordAsOf({
          params: { ...at(code), id: made.uuid },
          query: { at: made.createdAt },
          headers,
        })
      ).body.content;
    expect(await asOf()).toEqual({ ID: 'a', Pin: 'heron-99' });
    await agency.data.createRecord({ params: at(code, '1.0'), body: write({ ID: 'c', Pin: 'heron-77' }) });
    expect(await tablesWith(db(), 'heron-77')).toEqual([]);
    await put(open.properties);
    expect(await read(code, { Pin: 'heron-98' })).toEqual({ ID: 'a', Pin: 'heron-98' });
    expect(await asOf()).toEqual({ ID: 'a', Pin: 'heron-99' });
    expect(await whole()).toBeNull();
  });

  it('[REG-6.1-18-a] are sealed anew however many there are, by another node when the first one ends', async () => {
    const code = await agency.publish(schema);
    const [key, many] = [await keyFor(code, 'TEST/GOV/CRA/civil-registry'), 501];
    for (const from of [0, many])
      await agency.data.createRecords({
        params: at(code),
        body: {
          write: Array.from({ length: many }, (_, index) => ({
            content: { ID: `r${from + index}`, Pin: `pin-${from + index}`, Salary: index },
          })),
        },
      });
    await sealed();
    await agency.database.rotateKey({ params: { code } });
    await agency.node.stop();
    agency = await startAgency({ consoles: [portal] }, { databasePrefix: agency.node.databasePrefix });
    const headers = { 'x-registry-key': key.key };
    expect(await read(code, { Pin: 'pin-700' }, headers)).toMatchObject({ ID: 'r700', Salary: 700 - many });
    await vi.waitFor(
      async () => {
        const { keys } = (await agency.database.listKeys({ params: { code } })).body;
        expect(keys.map(({ destroyedAt }) => destroyedAt !== null)).toEqual([false, true]);
      },
      { timeout: 60_000, interval: 200 },
    );
    const { id } = (await agency.database.getRegistry({ params: { id: code } })).body;
    const { rows } = await sql<{ old: string; now: string }>`
      select count(*) filter (where get_byte(f_2, 4) = 1) as old, count(*) filter (where get_byte(f_2, 4) = 2) as now
      from ${sql.table(`reg.r_${id}`)}`.execute(db());
    expect(rows).toEqual([{ old: '0', now: String(2 * many) }]);
    expect(await read(code, { Pin: 'pin-700' }, headers)).toMatchObject({ ID: 'r700', Salary: 700 - many });
    expect(await whole()).toBeNull();
  }, 120_000);

  it('[REG-6.1-17-b] cannot also be what needs them in the open', async () => {
    const refused = async (property: object) => {
      const one = {
        type: 'object',
        properties: { A: { type: 'string', id: 1 }, S: { type: 'string', id: 2, secret: true, ...property } },
      };
      const { status, problem } = await refusal(
        agency.database.putDraft({ params: { code: 'impossible' }, body: { schema: one } }),
      );
      return [status, problem?.errors?.[0]?.pointer];
    };
    for (const property of [
      { searchable: true },
      { primaryKey: true },
      { default: 'x' },
      { type: 'file' },
      { type: 'object', filterable: true },
      { catalogue: 'districts' },
      { foreignKeys: [{ databaseKey: 'x', values: [{ fieldKey: 1 }] }] },
    ])
      expect(await refused(property)).toEqual([400, '/schema/properties/S']);
    const leaking = [
      { conditions: [], actions: [{ type: 'merge', field_id: 1, field_ids: [2], value: ' ' }] },
    ];
    expect(await refused({ triggers: leaking })).toEqual([400, '/schema/properties/S/triggers']);
  });
});
