import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { registryEventsSurface } from '../src/api/operations.ts';
import { sealChanges } from '../src/history/seal-changes.ts';
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

const events = (as = owner) =>
  agency.node.client(registryEventsSurface, { as, service: `${owner}/registry-events-v1` });
const text = (id: number, extra: object = {}) => ({ type: 'string', id, ...extra });
const schema = (extra: object = {}) => ({
  type: 'object',
  'x-announce': true,
  properties: {
    ID: text(1, { unique: true }),
    Name: text(2, { personal: true }),
    Loud: text(3, { triggers: [{ conditions: [], actions: [{ type: 'upper-case', field_id: 2 }] }] }),
    Parent: text(4, extra),
  },
});
const create = async (code: string, content: Record<string, unknown>) =>
  (await agency.data.createRecord({ params: at(code), body: write(content) })).body.uuid;
const told = (code: string) =>
  agency.node.published.filter(({ data }) => (data as { registry?: string }).registry === code);
const short = (code: string) =>
  told(code).map(({ type, subject, data }) => [
    type.replace('registries.record-', ''),
    subject,
    (data as { fields?: number[] }).fields,
  ]);
const feed = async (code: string, asked: { after?: number; limit?: number } = {}, as = owner) =>
  (await events(as).readChanges({ params: at(code), query: asked, headers: {} })).body;
const eventually = <T>(read: () => T | Promise<T>) => expect.poll(read, { timeout: 30_000, interval: 30 });

describe('what happens to records', () => {
  it('[REG-4.1-f][REG-6.1-5-f] is announced whatever did it, with the fields that truly changed', async () => {
    const code = await agency.publish(schema());
    const uuid = await create(code, { ID: 'a', Name: 'ana' });
    const target = { ...at(code), id: uuid };
    const update = (content: Record<string, unknown>) =>
      agency.data.updateRecord({
        params: at(code),
        headers: {},
        body: { ...query({ ID: 'a' }), ...write(content) },
      });
    // A trigger writes the name; what is said again is no change.
    await update({ ID: 'a', Name: 'bo' });
    await update({ Name: 'BO' });
    await agency.data.archiveRecord({ params: target });
    await agency.data.restoreRecord({ params: target, body: {} });
    await agency.data.restoreRecord({ params: target, body: { rowVersion: 1 } });
    await agency.data.eraseRecord({ params: target, body: { legalGround: 'Art. 17' } });
    await agency.data.deleteRecord({ params: target });
    await eventually(() => short(code).slice(1)).toEqual([
      ['created.v1', uuid, [1, 2]],
      ['updated.v1', uuid, [2]],
      ['archived.v1', uuid, []],
      ['restored.v1', uuid, []],
      ['updated.v1', uuid, [2]],
      ['erased.v1', uuid, [2]],
      ['deleted.v1', uuid, []],
    ]);
    expect(told(code)[0]).toMatchObject({
      type: 'registries.registry-published.v1',
      data: { owner, registry: code, version: '1.0' },
    });
    expect(JSON.stringify(told(code))).not.toMatch(/ana|ANA|BO/);
  });

  it('[REG-4.1-f] is announced for records that go with others', async () => {
    const parent = await agency.publish(schema());
    const child = await agency.publish(
      schema({ foreignKeys: [{ databaseKey: parent, values: [{ fieldKey: 1 }], onDelete: 'cascade' }] }),
    );
    const top = await create(parent, { ID: 'p' });
    const below = await create(child, { ID: 'c', Parent: 'p' });
    await agency.data.deleteRecord({ params: { ...at(parent), id: top } });
    await eventually(() => short(child).at(-1)).toEqual(['deleted.v1', below, []]);
    await eventually(() => short(parent).at(-1)).toEqual(['deleted.v1', top, []]);
  });

  it('[REG-4.1-f] is announced when somebody asks for a checkpoint at that moment', async () => {
    const code = await agency.publish(schema());
    const made: string[] = [];
    for (let n = 0; n < 10; n += 1) {
      made.push(await create(code, { ID: `c${n}` }));
      await agency.insight.makeCheckpoint({});
    }
    await eventually(() => short(code).slice(1)).toEqual(made.map((uuid) => ['created.v1', uuid, [1]]));
  });

  it('many at once are one event that points to the feed', async () => {
    const code = await agency.publish(schema());
    const contents = Array.from({ length: 150 }, (_, index) => ({ content: { ID: `m${index}`, Name: 'x' } }));
    await agency.data.createRecords({ params: at(code), body: { write: contents } });
    await eventually(() => told(code).length).toBe(2);
    const { type, data } = told(code)[1] as { type: string; data: unknown };
    const range = data as { count: number; after: number; upTo: number };
    expect(type).toBe('registries.records-changed.v1');
    expect(range.count).toBe(150);
    const { changes } = await feed(code, { after: range.after, limit: 1000 });
    expect(changes.filter(({ position }) => position <= range.upTo)).toHaveLength(150);
  });
});

describe('the feed of changes', () => {
  it('[REG-6.1-5-f] lets a consumer build up anew and go on, each change once, those of a record in order', async () => {
    const code = await agency.publish(schema());
    const uuids = await Promise.all(
      Array.from({ length: 8 }, (_, index) => create(code, { ID: `f${index}` })),
    );
    await Promise.all(
      Array.from({ length: 24 }, (_, index) =>
        agency.data.updateRecord({
          params: at(code),
          headers: {},
          body: { ...query({ ID: `f${index % 8}` }), ...write({ Loud: `${index}` }) },
        }),
      ),
    );
    const seen: { record: string; rowVersion: number }[] = [];
    let after = 0;
    await eventually(async () => {
      for (;;) {
        const page = await feed(code, { after, limit: 5 });
        seen.push(...page.changes);
        after = page.next;
        if (!page.more) return seen.length;
      }
    }).toBe(32);
    for (const uuid of uuids)
      expect(seen.filter(({ record }) => record === uuid).map(({ rowVersion }) => rowVersion)).toEqual([
        1, 2, 3, 4,
      ]);
    expect(await feed(code, { after })).toEqual({ changes: [], next: after, more: false });
  });

  it('tells others of the fields they are granted, and nothing to those who are granted nothing', async () => {
    const code = await agency.publish(schema());
    const uuid = await create(code, { ID: 'g', Name: 'x' });
    const change = (content: Record<string, unknown>) =>
      agency.data.updateRecord({
        params: at(code),
        headers: {},
        body: { ...query({ ID: 'g' }), ...write(content) },
      });
    await change({ Loud: 'l' });
    await change({ Parent: 'z' });
    await eventually(async () => (await feed(code)).changes.length).toBe(3);
    expect((await refusal(feed(code, {}, stranger))).status).toBe(404);
    await agency.database.putAccess({
      params: { code },
      body: { application: stranger, methods: ['list'], fields: ['ID', 'Parent'] },
    });
    expect((await feed(code, {}, stranger)).changes.map(({ record, fields }) => [record, fields])).toEqual([
      [uuid, [1]],
      [uuid, [4]],
    ]);
    const described = (await events(stranger).describeEvents({ params: at(code), headers: {} })).body;
    expect(described).toMatchObject({
      announced: true,
      room: null,
      fields: [
        { id: 1, name: 'ID' },
        { id: 4, name: 'Parent' },
      ],
    });
    expect(described.events.map(({ type }) => type)).toContain('registries.record-erased.v1');
  });

  it('[REG-6.1-7-d] holds a change that was committed long after later ones', async () => {
    const code = await agency.publish(schema());
    const db = agency.node.database('digital-registries');
    const { rows } = await sql<{ id: string }>`select id from registry where code = ${code}`.execute(db);
    const late = await create(code, { ID: 'late' });
    await eventually(async () => (await feed(code)).changes.length).toBe(1);
    let release: () => void = () => undefined;
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    // As if a writer had drawn its number, and two hundred thousand were drawn before it committed.
    const slow = db.transaction().execute(async (trx) => {
      await sql`
        insert into change_log (seq, registry_id, record, row_version, action, application, exchange_id, at, scheme, digest)
        select nextval('change_log_seq'), registry_id, record, 2, 'update', application, exchange_id, at, scheme, digest
        from change_log where record = ${late}::uuid`.execute(trx);
      await sql`
        insert into change_content (seq) select max(seq) from change_log where record = ${late}::uuid`.execute(
        trx,
      );
      await released;
    });
    await sql`select setval('change_log_seq', (select last_value + 200000 from change_log_seq))`.execute(db);
    await create(code, { ID: 'early' });
    await eventually(async () => (await feed(code)).changes.length).toBe(2);
    await sealChanges(db as never, async () => {});
    release();
    await slow;
    await eventually(async () => (await feed(code)).changes.map(({ record }) => record).at(-1)).toBe(late);
    expect(rows).toHaveLength(1);
    // Nobody looks back over what is sealed for good.
    await vi.waitFor(async () => {
      const { rows: reach } = await sql<{ behind: string }>`
        select s.last_value - m.sealed_to as behind from change_log_seq s, change_mark m`.execute(db);
      expect(Number(reach[0]?.behind)).toBe(0);
    }, 30_000);
  });
});
