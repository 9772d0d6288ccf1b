import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Agency, at, query, refusal, startAgency, stranger, write } from './fixtures/agency.ts';

let agency: Agency;
let code: string;
beforeAll(async () => {
  agency = await startAgency();
  code = await agency.publish({
    type: 'object',
    'x-announce': true,
    properties: {
      ID: { type: 'string', id: 1, unique: true, readOnly: true },
      Name: { type: 'string', id: 2, personal: true },
      Phone: { type: 'string', id: 3, personal: true },
      Village: { type: 'string', id: 4 },
    },
    required: ['ID'],
  });
});
afterAll(() => agency.node.stop());

const create = async (content: Record<string, unknown>) =>
  (await agency.data.createRecord({ params: at(code), body: write(content) })).body;
const change = async (ID: string, content: Record<string, unknown>) =>
  (
    await agency.data.updateRecord({
      params: at(code),
      headers: {},
      body: { ...query({ ID }), ...write(content) },
    })
  ).body;
const target = (id: string) => ({ ...at(code), id });
const history = async (id: string, data = agency.data) =>
  (await data.readHistory({ params: target(id) })).body.changes;
const asOf = async (id: string, moment: string) =>
  (await agency.data.readRecordAsOf({ params: target(id), query: { at: moment }, headers: {} })).body;
const verified = async () => (await agency.database.verifyChanges({})).body;
const sealed = (db = agency.node.database('digital-registries')) =>
  vi.waitFor(async () => {
    const { rows } = await sql<{ n: string }>`
      select count(*) as n
      from change_log c
      where not exists (select from change_seal s where s.change_seq = c.seq)`.execute(db);
    expect(rows[0]?.n).toBe('0');
  }, 30_000);

describe('the history of a record', () => {
  it('[REG-6.1-7-a][REG-4.1-h] holds every change with before and after, under the names a version has', async () => {
    const { uuid } = await create({ ID: 'h1', Name: 'Ana', Village: 'North' });
    await change('h1', { Village: 'South' });
    await agency.data.archiveRecord({ params: target(uuid) });
    await agency.data.restoreRecord({ params: target(uuid), body: {} });
    await agency.data.deleteRecord({ params: target(uuid) });
    const changes = await history(uuid);
    expect(changes.map(({ action, rowVersion }) => [action, rowVersion])).toEqual([
      ['create', 1],
      ['update', 2],
      ['archive', 3],
      ['restore', 4],
      ['delete', 5],
    ]);
    expect(changes[1]).toMatchObject({
      before: { ID: 'h1', Name: 'Ana', Village: 'North' },
      after: { ID: 'h1', Name: 'Ana', Village: 'South' },
      application: 'TEST/GOV/CRA/civil-registry',
      erased: false,
    });
    expect((await refusal(history(uuid, agency.dataAs(stranger)))).status).toBe(404);
  });

  it('tells what a record was at any moment', async () => {
    const made = await create({ ID: 'h2', Village: 'A' });
    const second = await change('h2', { Village: 'B' });
    await agency.data.deleteRecord({ params: target(made.uuid) });
    const [, , deleted] = await history(made.uuid);
    expect((await asOf(made.uuid, second.modifiedAt)).content).toEqual({ ID: 'h2', Village: 'B' });
    const between = new Date(Date.parse(second.modifiedAt) - 1).toISOString();
    if (between >= made.createdAt)
      expect((await asOf(made.uuid, between)).content).toEqual({ ID: 'h2', Village: 'A' });
    expect((await refusal(asOf(made.uuid, deleted?.at ?? ''))).status).toBe(404);
    expect((await refusal(asOf(made.uuid, '1999-01-01T00:00:00Z'))).status).toBe(404);
  });

  it('brings back what a record said after an earlier change, as one more change', async () => {
    const { uuid } = await create({ ID: 'h3', Village: 'A', Phone: '1' });
    await change('h3', { Village: 'B', Phone: null });
    await agency.data.deleteRecord({ params: target(uuid) });
    const back = (await agency.data.restoreRecord({ params: target(uuid), body: { rowVersion: 1 } })).body;
    expect(back.content).toEqual({ ID: 'h3', Village: 'A', Phone: '1' });
    expect((await history(uuid)).map(({ action }) => action)).toEqual([
      'create',
      'update',
      'delete',
      'restore',
      'update',
    ]);
    expect(
      (await refusal(agency.data.restoreRecord({ params: target(uuid), body: { rowVersion: 99 } }))).status,
    ).toBe(404);
  });

  it('[REG-5.2-req-7][REG-6.1-7-d] loses personal data that the law wants gone, everywhere, and the chain still holds', async () => {
    const { uuid } = await create({ ID: 'h4', Name: 'Secret Name', Phone: 'tel-555', Village: 'A' });
    await change('h4', { Phone: 'tel-556' });
    await sealed();
    await agency.data.eraseRecord({ params: target(uuid), body: { legalGround: 'Art. 17, decision 12' } });
    const read = (await agency.data.readRecord({ params: at(code), body: query({ ID: 'h4' }), headers: {} }))
      .body;
    expect(read.content).toEqual({ ID: 'h4', Village: 'A' });
    const changes = await history(uuid);
    expect(changes.map(({ action, erased }) => [action, erased])).toEqual([
      ['create', true],
      ['update', true],
      ['erase', false],
    ]);
    expect((await refusal(asOf(uuid, changes[1]?.at ?? ''))).status).toBe(410);
    const db = agency.node.database('digital-registries');
    for (const table of ['change_content', 'change_log', 'erasure']) {
      const { rows } = await sql<{ row: string }>`select t::text as row from ${sql.id(table)} t`.execute(db);
      expect(rows.some(({ row }) => row.includes('Secret Name') || row.includes('tel-55'))).toBe(false);
    }
    await sealed();
    expect((await verified()).brokenAt).toBeNull();
    // What vanishes without an erasure on record breaks it.
    const other = await create({ ID: 'h5', Village: 'A' });
    await sealed();
    await sql`
      delete from change_content k
      using change_log l
      where l.seq = k.seq and l.record = ${other.uuid}::uuid`.execute(db);
    expect((await verified()).brokenAt).not.toBeNull();
  });

  it('[REG-4.1-f] is announced as it grows: created, updated, deleted, by field id', async () => {
    const { uuid } = await create({ ID: 'h6', Name: 'Ana' });
    await change('h6', { Name: 'Bo' });
    await agency.data.deleteRecord({ params: target(uuid) });
    const told = () => agency.node.published.filter(({ subject }) => subject === uuid);
    await vi.waitFor(() => expect(told()).toHaveLength(3), 30_000);
    expect(told().map(({ type, data }) => [type, (data as { fields: number[] }).fields])).toEqual([
      ['registries.record-created.v1', [1, 2]],
      ['registries.record-updated.v1', [2]],
      ['registries.record-deleted.v1', []],
    ]);
    expect(JSON.stringify(told())).not.toContain('Ana');
  });
});
