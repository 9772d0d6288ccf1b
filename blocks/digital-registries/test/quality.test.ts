import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { applyRetention } from '../src/history/retention.ts';
import { rollOff } from '../src/history/roll-off.ts';
import { openCatalogue } from '../src/schema/catalogue.ts';
import { createKeyring } from '../src/secrets/keyring.ts';
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

const schema = {
  type: 'object',
  properties: {
    ID: { type: 'string', id: 1, unique: true, owner: true, personal: true },
    Name: { type: 'string', id: 2, personal: true },
    Born: { type: 'string', format: 'date', id: 3, personal: true },
    Village: { type: 'string', id: 4 },
    Phone: { type: 'string', id: 5, pattern: '^[0-9]*$' },
  },
  duplicates: {
    fields: [
      { field: 'Name', method: 'phonetic', weight: 2 },
      { field: 'Name', method: 'trigram', weight: 1 },
      { field: 'Born', method: 'date', tolerance: 31, weight: 2 },
      { field: 'Village', method: 'exact' },
    ],
    threshold: 0.75,
  },
};

let agency: Agency;
beforeAll(async () => {
  agency = await startAgency();
});
afterAll(() => agency.node.stop());

const db = () => agency.node.database('digital-registries');
const filled = async (records: readonly Record<string, unknown>[], of: object = schema) => {
  const code = await agency.publish(of);
  await agency.data.createRecords({
    params: at(code),
    body: { write: records.map((content) => ({ content })) },
  });
  return code;
};
const people = [
  { ID: 'D1', Name: 'Catherine Smith', Born: '1990-02-01', Village: 'North' },
  { ID: 'D2', Name: 'Kathryn Smyth', Born: '1990-02-11', Village: 'North', Phone: '555' },
  { ID: 'D3', Name: 'John Brown', Born: '1970-01-01', Village: 'South' },
  { ID: 'D4', Name: 'Mary Jones', Born: '1990-02-01', Village: 'North' },
];
const candidates = async (code: string, content: Record<string, unknown>, as = owner) =>
  (await agency.insightAs(as).findDuplicates({ params: { code }, headers: {}, body: { content } })).body;
const record = async (code: string, ID: string) =>
  (await agency.data.readRecord({ params: at(code), headers: {}, body: query({ ID }) })).body;
const search = async (code: string) => {
  const { id } = (await agency.insight.searchDuplicates({ params: { code } })).body;
  return vi.waitFor(
    async () => {
      const { body } = await agency.insight.getDuplicateSearch({ params: { code, id } });
      expect(body.state).toBe('done');
      return body;
    },
    { timeout: 30_000 },
  );
};

describe('duplicates', () => {
  it('[REG-4.1-b] are found before a record is created, by sound, likeness, date and value as the schema says', async () => {
    const code = await filled(people);
    const { action, candidates: found } = await candidates(code, {
      Name: 'Katherine Smith',
      Born: '1990-02-05',
      Village: 'North',
    });
    expect(action).toBe('warn');
    const d1 = await record(code, 'D1');
    expect(found[0]).toMatchObject({
      record: d1.uuid,
      number: d1.number,
      fields: ['Name', 'Name', 'Born', 'Village'],
    });
    expect(found.map(({ score }) => score)).toEqual(
      found.map(({ score }) => score).toSorted((a, b) => b - a),
    );
    expect((await candidates(code, { Name: 'John Braun', Born: '1999-01-01' })).candidates).toEqual([]);
    expect((await candidates(code, { Born: '1990-02-01' })).candidates).toEqual([]);
    expect((await candidates(code, {})).candidates).toEqual([]);
    const usage = (await agency.insight.readUsageReport({ body: { identifier: 'D1' } })).body.entries;
    expect(usage.some(({ method, fields }) => method === 'exists' && fields.includes('Name'))).toBe(true);
    expect((await refusal(candidates(code, { Nothing: 1 }))).status).toBe(400);
    expect((await refusal(candidates(code, { Name: 'x' }, stranger))).status).toBe(404);
  });

  it('[REG-4.1-b] are refused where the schema says so, also of two at the same moment and within a batch', async () => {
    const strict = { ...schema, duplicates: { ...schema.duplicates, action: 'refuse' } };
    const code = await filled(people.slice(0, 1), strict);
    const create = (content: Record<string, unknown>) =>
      agency.data.createRecord({ params: at(code), body: write(content) });
    const refused = await refusal(
      create({ ID: 'E1', Name: 'Cathrine Smith', Born: '1990-02-01', Village: 'North' }),
    );
    expect(refused.status).toBe(409);
    expect(JSON.stringify(refused)).not.toContain('D1');
    const twin = { Name: 'Zebulon Quick', Born: '1980-01-01', Village: 'East' };
    const outcomes = await Promise.allSettled([1, 2, 3, 4].map((n) => create({ ID: `Z${n}`, ...twin })));
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    const both = ['Y1', 'Y2'].map((ID) => ({
      content: { ID, Name: 'Otto Otterson', Born: '1980-01-01', Village: 'W' },
    }));
    expect(
      (await refusal(agency.data.createRecords({ params: at(code), body: { write: both } }))).status,
    ).toBe(409);
    await create({ ID: 'Y3', Name: 'Otto Otterson', Born: '1950-01-01', Village: 'Else' });
  });

  it('are refused as rules when they are none', async () => {
    const publish = (duplicates: unknown) =>
      refusal(
        agency.database.putDraft({ params: { code: 'rules' }, body: { schema: { ...schema, duplicates } } }),
      );
    for (const rules of [
      'x',
      {},
      { fields: [] },
      { fields: [{ field: 'Nothing', method: 'exact' }] },
      { fields: [{ field: 'Born', method: 'phonetic' }] },
      { fields: [{ field: 'Name', method: 'guess' }] },
      { fields: [{ field: 'Born', method: 'date' }] },
      { fields: [{ field: 'Name', method: 'exact', weight: 0 }] },
      { fields: [{ field: 'Name', method: 'exact' }], threshold: 2 },
      { fields: [{ field: 'Name', method: 'exact' }], action: 'delete' },
    ])
      expect((await publish(rules)).status).toBe(400);
  });

  it('[REG-4.1-b] are searched for in the whole registry, decided on, merged field by field, and taken apart again', async () => {
    const code = await filled(people);
    expect(await search(code)).toMatchObject({ looked: 4, found: 1 });
    expect((await search(code)).found).toBe(0);
    const [pair] = (await agency.insight.listDuplicates({ params: { code }, query: {} })).body;
    const [d1, d2] = [await record(code, 'D1'), await record(code, 'D2')];
    expect(pair?.records.toSorted()).toEqual([d1.uuid, d2.uuid].toSorted());
    const params = { code, id: pair?.id ?? '' };
    await agency.insight.decideDuplicate({ params, body: { decision: 'different' } });
    expect((await agency.insight.listDuplicates({ params: { code }, query: {} })).body).toEqual([]);
    await agency.insight.decideDuplicate({ params, body: { decision: 'same' } });
    const merge = (body: { survivor: string; take?: string[] }) =>
      agency.insight.mergeDuplicates({ params, body });
    expect((await refusal(merge({ survivor: (await record(code, 'D3')).uuid }))).status).toBe(400);
    expect((await refusal(merge({ survivor: d1.uuid, take: ['ID'] }))).status).toBe(400);
    expect((await refusal(merge({ survivor: d1.uuid, take: ['Nothing'] }))).status).toBe(400);
    const merged = (await merge({ survivor: d1.uuid, take: ['Phone', 'Born'] })).body;
    expect((await record(code, 'D1')).content).toMatchObject({
      Name: 'Catherine Smith',
      Phone: '555',
      Born: '1990-02-11',
    });
    expect((await refusal(record(code, 'D2'))).status).toBe(404);
    expect((await refusal(merge({ survivor: d1.uuid }))).status).toBe(409);
    const log = (await agency.insight.searchChanges({ body: { registry: code, pageSize: 2 } })).body.entries;
    expect(log.map(({ action, record }) => [action, record])).toEqual([
      ['update', d1.uuid],
      ['archive', d2.uuid],
    ]);
    const undo = (id: string) => agency.insight.undoMerge({ params: { code, id } });
    await undo(merged.merge);
    await undo(merged.merge);
    expect((await record(code, 'D1')).content).toEqual(d1.content);
    expect((await record(code, 'D2')).content).toEqual(d2.content);
    const again = (await merge({ survivor: d2.uuid })).body;
    await agency.data.updateRecord({
      params: at(code),
      headers: {},
      body: { ...query({ ID: 'D2' }), ...write({ Village: 'West' }) },
    });
    expect((await refusal(undo(again.merge))).status).toBe(409);
    expect((await record(code, 'D2')).content.Village).toBe('West');
  });

  it('score the same whichever of two records is asked about, and between 0 and 1', async () => {
    const code = await filled(people);
    const { rows } = await sql<{ id: string }>`select id from registry where code = ${code}`.execute(db());
    const word = fc.stringMatching(/^[A-Za-zé]{1,8}( [A-Za-z]{1,8})?$/);
    await fc.assert(
      fc.asyncProperty(word, word, async (one, other) => {
        const found = await sql<{ there: number; back: number; own: number }>`
          select reg.alike(reg.sounds(${one}), reg.sounds(${other})) as there,
            reg.alike(reg.sounds(${other}), reg.sounds(${one})) as back,
            reg.alike(reg.sounds(${one}), reg.sounds(${one})) as own`.execute(db());
        const [row] = found.rows;
        expect(row?.there).toBe(row?.back);
        expect(row?.there).toBeGreaterThanOrEqual(0);
        expect(row?.there).toBeLessThanOrEqual(row?.own || 0);
      }),
      { numRuns: 50 },
    );
    expect(rows).toHaveLength(1);
  });
});

describe('quality', () => {
  it('[REG-4.1-b][REG-4.1-g] tells per field what is missing, no longer valid, or said twice, day by day', async () => {
    const code = await filled([...people, { ID: 'D5', Name: 'Mary Jones', Phone: '12' }]);
    await agency.database.putDraft({
      params: { code },
      body: {
        schema: {
          ...schema,
          properties: { ...schema.properties, Phone: { type: 'string', id: 5, minLength: 3 } },
        },
      },
    });
    await agency.database.publishDraft({ params: { code }, body: { acceptBreaking: true } });
    await search(code);
    const measured = (await agency.insight.measureQuality({ params: { code } })).body;
    expect(measured).toMatchObject({ records: 5, sampled: null, stale: 0, openDuplicates: 1 });
    expect(
      Object.fromEntries(measured.fields.map(({ field, fieldId: _, ...rest }) => [field, rest])),
    ).toEqual({
      ID: { filled: 5, invalid: 0, duplicates: 0, distinct: 5 },
      Name: { filled: 5, invalid: 0, duplicates: 1, distinct: 4 },
      Born: { filled: 4, invalid: 0, duplicates: 1, distinct: 3 },
      Village: { filled: 4, invalid: 0, duplicates: 2, distinct: 2 },
      Phone: { filled: 2, invalid: 1, duplicates: 0, distinct: 2 },
    });
    await agency.insight.measureQuality({ params: { code } });
    expect((await agency.insight.readQuality({ params: { code }, query: {} })).body).toHaveLength(1);
    expect(
      (await refusal(agency.insightAs(stranger).readQuality({ params: { code }, query: {} }))).status,
    ).toBe(403);
  });
});

describe('retention', () => {
  const retain = (now: Date) =>
    applyRetention(
      db(),
      openCatalogue(db(), createKeyring(randomBytes(32))),
      owner,
      now,
      new AbortController().signal,
    );
  const inDays = (days: number) => new Date(Date.now() + days * 86_400_000);

  it('[REG-5.2-req-7] takes records away when they were kept long enough, not those under legal hold', async () => {
    const code = await agency.publish(schema, { retentionDays: 30 });
    await agency.data.createRecords({
      params: at(code),
      body: { write: people.map((content) => ({ content })) },
    });
    const [d1, d2] = [await record(code, 'D1'), await record(code, 'D2')];
    expect(await retain(inDays(31))).toBe(0);
    await agency.insight.putRetention({ params: { code }, body: { action: 'erase' } });
    const hold = { params: { code, id: d1.uuid } };
    await agency.insight.putLegalHold({ ...hold, body: { reason: 'court case 5' } });
    const held = { ...at(code), id: d1.uuid };
    expect((await refusal(agency.data.deleteRecord({ params: held }))).status).toBe(409);
    expect((await refusal(agency.data.archiveRecord({ params: held }))).status).toBe(409);
    const erase = agency.data.eraseRecord({ params: held, body: { legalGround: 'Art. 17' } });
    expect((await refusal(erase)).status).toBe(409);
    expect(await retain(inDays(29))).toBe(0);
    expect(await retain(inDays(31))).toBe(3);
    expect((await record(code, 'D1')).content.Name).toBe('Catherine Smith');
    expect((await refusal(record(code, 'D2'))).status).toBe(404);
    const { rows } = await sql<{ row: string }>`select k::text as row from change_content k`.execute(db());
    const log = (await agency.insight.searchChanges({ body: { record: d2.uuid } })).body.entries;
    expect(log.map(({ action, erased }) => [action, erased])).toEqual([
      ['erase', false],
      ['delete', true],
      ['create', true],
    ]);
    expect(rows.some(({ row }) => row.includes(d2.uuid))).toBe(false);
    await agency.insight.makeCheckpoint({});
    expect((await agency.insight.verifyChain({ body: {} })).body.brokenAt).toBeNull();
    await agency.insight.deleteLegalHold(hold);
    expect(await retain(inDays(31))).toBe(1);
    const settings = (
      await agency.insight.searchSchemaChanges({ body: { registry: code, action: 'settings' } })
    ).body;
    expect(settings.entries).toHaveLength(3);
  });

  it('of the read log drops old months whole, after their digest is in the chain', async () => {
    await sql`select make_month('read_log', '2020-01-01')`.execute(db());
    await sql`
      insert into read_log (id, registry_id, owner, records, subjects, fields, method, application, exchange_id, correlation_id, at)
      select gen_random_uuid(), null, ${owner}, '{}', '{}', '{}', 'report', ${owner}, '', '', '2020-01-15T00:00:00Z'
      from generate_series(1, 3)`.execute(db());
    const months = await rollOff(db(), owner, 2, new Date());
    expect(months).toContain('2020-01-01');
    const { rows } = await sql<{
      n: string;
    }>`select count(*) as n from read_log where at < '2020-02-01'`.execute(db());
    expect(rows[0]?.n).toBe('0');
    const log = (await agency.insight.searchSchemaChanges({ body: { action: 'logs' } })).body.entries;
    expect(log.map(({ before }) => before)).toContainEqual(
      expect.objectContaining({ log: 'read_log', month: '2020-01-01', entries: 3 }),
    );
    await agency.insight.makeCheckpoint({});
    expect((await agency.insight.verifyChain({ body: {} })).body.brokenAt).toBeNull();
  });
});
