import { jsonResponse } from '@govstack/platform/testing';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
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

const portal = 'TEST/GOV/DGA/portal';
const identity = 'TEST/GOV/DGA/identity/identity-person-v1';
const schema = {
  type: 'object',
  properties: {
    'National ID': { type: 'string', id: 1, unique: true, owner: true, personal: true },
    Name: { type: 'string', id: 2, personal: true },
    Village: { type: 'string', id: 3 },
    Guardian: { type: 'string', id: 4, owner: true, personal: true },
  },
  required: ['National ID'],
};

let agency: Agency;
let code: string;
/** What the identity block says of whoever is signed in. */
let signedIn: Record<string, unknown> = {};
beforeAll(async () => {
  agency = await startAgency({ consoles: [portal], identityService: identity, readLogMonths: 2 }, {
    providers: { [identity]: async () => jsonResponse(200, signedIn) },
  } as never);
  code = await agency.publish(schema);
});
afterAll(() => agency.node.stop());

const db = () => agency.node.database('digital-registries');
const token = (id: string, role?: string) =>
  agency.node.token({ id, ...(role ? { roles: [role], agency: 'TEST/GOV/CRA' } : {}) });
const analyst = () => token('an-analyst', 'registry-analyst');
const create = async (content: Record<string, unknown>, of = code) =>
  (await agency.data.createRecord({ params: at(of), body: write(content) })).body;
const update = (id: string, content: Record<string, unknown>) =>
  agency.data.updateRecord({
    params: at(code),
    headers: {},
    body: { ...query({ 'National ID': id }), ...write(content) },
  });
const read = (id: string, headers: Record<string, string> = {}, as = owner) =>
  agency.dataAs(as).readRecord({ params: at(code), headers, body: query({ 'National ID': id }) });
const changes = async (body: object) => (await agency.insight.searchChanges({ body })).body;
const reads = async (body: object) => (await agency.insight.searchReads({ body })).body.entries;

describe('the change log', () => {
  it('[REG-6.1-7-a][REG-6.1-7-b][REG-4.1-h] is searched by registry, record, person, action, field and time, in pages', async () => {
    const made = await create({ 'National ID': 'C1', Name: 'Ana', Village: 'North' });
    await update('C1', { Village: 'South' });
    await update('C1', { Name: 'Anna' });
    const personToken = await token('a-registrar', 'registrar');
    await agency.dataAs(portal).updateRecord({
      params: at(code),
      headers: {},
      body: { ...query({ 'National ID': 'C1' }), ...write({ Village: 'East' }) },
      personToken,
    });
    await agency.data.deleteRecord({ params: { ...at(code), id: made.uuid } });
    const { entries } = await changes({ record: made.uuid });
    expect(entries.map(({ action, fields }) => [action, fields])).toEqual([
      ['delete', ['National ID', 'Name', 'Village']],
      ['update', ['Village']],
      ['update', ['Name']],
      ['update', ['Village']],
      ['create', ['National ID', 'Name', 'Village']],
    ]);
    expect(JSON.stringify(entries)).not.toContain('Anna');
    expect((await changes({ record: made.uuid, field: 'Name', action: 'update' })).entries).toHaveLength(1);
    expect((await changes({ person: 'a-registrar' })).entries).toMatchObject([
      { record: made.uuid, registry: code, application: portal, fields: ['Village'] },
    ]);
    expect((await changes({ registry: code, application: portal })).entries).toHaveLength(1);
    expect((await changes({ registry: code, to: made.createdAt })).entries).toEqual([]);
    const seen: string[] = [];
    let after: string | undefined;
    do {
      const page = await changes({ registry: code, pageSize: 2, ...(after ? { after } : {}) });
      expect(page.entries.length).toBeLessThanOrEqual(2);
      seen.push(...page.entries.map(({ seq }) => seq));
      after = page.next;
    } while (after);
    expect(seen).toEqual((await changes({ registry: code })).entries.map(({ seq }) => seq));
    expect(new Set(seen).size).toBe(seen.length);
  });

  it('is for analysts of the own agency; bad input is refused and changes nothing', async () => {
    const search = (as: string, personToken: string | null = null, body: object = {}) =>
      agency.insightAs(as).searchChanges({ body, personToken });
    expect((await refusal(search(stranger))).status).toBe(403);
    expect((await refusal(search(portal))).status).toBe(403);
    expect((await refusal(search(portal, await token('r', 'registrar')))).status).toBe(403);
    expect((await search(portal, await analyst())).status).toBe(200);
    for (const body of [
      { after: 'nowhere' },
      { record: 'x' },
      { pageSize: 0 },
      { from: 'yesterday' },
      { other: 1 },
    ])
      expect((await refusal(search(owner, null, body))).status).toBe(400);
    expect((await refusal(search(owner, null, { registry: 'nothing' }))).status).toBe(404);
    const foreign = Buffer.from(JSON.stringify(["' or true --", '1'])).toString('base64url');
    expect((await refusal(search(owner, null, { after: foreign }))).status).toBe(400);
  });

  it('[REG-6.1-7-a] holds what was done to registries: drafts, versions, access, life cycle, with before and after', async () => {
    const made = await agency.publish(schema, { retentionDays: 100 });
    const params = { code: made };
    await agency.database.putDraft({
      params,
      body: { schema: { ...schema, properties: { ...schema.properties, Phone: { type: 'string', id: 5 } } } },
    });
    await agency.database.publishDraft({ params, body: {} });
    await agency.database.putVersionState({
      params: { ...params, version: '1.0' },
      body: { state: 'deprecated' },
    });
    await agency.database.deleteVersion({ params: { ...params, version: '1.0' } });
    await agency.database.putAccess({ params, body: { application: stranger, methods: ['read'] } });
    await agency.database.putRegistryState({ params, body: { state: 'archived' } });
    const { entries } = (await agency.insight.searchSchemaChanges({ body: { registry: made } })).body;
    expect(entries.map(({ action }) => action)).toEqual([
      'archive',
      'access',
      'version',
      'version',
      'publish',
      'draft',
      'publish',
      'draft',
    ]);
    const [archive, access, , deprecated, published] = entries;
    expect(archive).toMatchObject({ before: { state: 'published' }, after: { state: 'archived' } });
    expect(access).toMatchObject({ after: { application: stranger, methods: ['read'] }, application: owner });
    expect(deprecated).toMatchObject({ before: { state: 'published' }, after: { state: 'deprecated' } });
    expect(published).toMatchObject({
      before: { version: '1.0' },
      after: { version: '2.0', schema: { properties: { Phone: { id: 5 } } } },
      report: [{ breaking: false, pointer: '/schema/properties/Phone' }],
    });
    expect(entries[7]).toMatchObject({ before: null, after: { retentionDays: 100 } });
  });
});

describe('the read log', () => {
  it('[REG-6.1-8-b][REG-6.1-8-e][REG-6.1-8-f][REG-9.2-a] says who read what of whom, in which role, for whom, why and on what ground', async () => {
    const { uuid } = await create({ 'National ID': 'R1', Name: 'Ana', Village: 'North' });
    await agency.dataAs(portal).readRecord({
      params: at(code),
      headers: {
        'x-purpose': 'renewal of card',
        'x-legal-ground': 'Act 12',
        'x-consent-reference': 'c-1',
        'x-reader-name': 'Maria del Mar',
        'x-references': 'file-7, file-8',
      },
      body: query({ 'National ID': 'R1' }),
      personToken: await token('a-registrar', 'registrar'),
    });
    const [search, entry] = await reads({ record: uuid });
    expect(search).toMatchObject({ method: 'search-of-log', readerApplication: owner });
    expect(entry).toMatchObject({
      registry: code,
      records: [uuid],
      fields: ['National ID', 'Name', 'Guardian'],
      fieldIds: [1, 2, 4],
      method: 'read',
      readerId: 'a-registrar',
      readerInitials: 'MDM',
      readerRoles: ['registrar'],
      readerApplication: portal,
      institution: 'TEST/GOV/CRA',
      purpose: 'renewal of card',
      legalGround: 'Act 12',
      consentReference: 'c-1',
      references: ['file-7', 'file-8'],
    });
    expect(entry?.personalDataIds).toHaveLength(1);
    expect(JSON.stringify(entry)).not.toContain('R1');
    expect(await reads({ person: 'a-registrar', field: 'Name' })).toHaveLength(1);
    expect(await reads({ person: 'a-registrar', field: 'Village' })).toEqual([]);
  });

  it('[REG-6.1-8-c][REG-6.2-37][REG-6.2-35-a] tells people who read data about them, and nobody else; analysts about anybody', async () => {
    await create({ 'National ID': 'U1', Name: 'Ana', Guardian: 'U2' });
    await read('U1', { 'x-purpose': 'school' });
    signedIn = { national_number: 'u1' };
    const citizen = await token('citizen-1');
    const report = async (body: object, personToken: string | null, as = portal) =>
      (await agency.insightAs(as).readUsageReport({ body, personToken })).body.entries;
    const own = await report({}, citizen);
    expect(own.find(({ method }) => method === 'read')).toMatchObject({ purpose: 'school', registry: code });
    expect(own.find(({ method }) => method === 'read')?.inWords).toMatch(
      /of TEST\/GOV\/CRA read your National ID, Name, Guardian in .* on \d{4}-\d\d-\d\d \(reason: school\)\.$/,
    );
    expect(await report({ identifier: 'U1' }, citizen)).not.toEqual([]);
    expect((await refusal(report({ identifier: 'U2' }, citizen))).status).toBe(403);
    // The guardian's data is read too: a registry can be about several people.
    signedIn = { national_number: 'U2' };
    expect((await report({}, await token('citizen-2'))).map(({ method }) => method)).toContain('read');
    signedIn = {};
    expect((await refusal(report({}, await token('citizen-3')))).status).toBe(403);
    expect((await refusal(report({ identifier: 'U1' }, null))).status).toBe(403);
    expect((await refusal(report({ identifier: 'U1' }, null, stranger))).status).toBe(403);
    expect(await report({ identifier: 'U1' }, await analyst())).not.toEqual([]);
    expect((await refusal(report({}, null, owner))).status).toBe(400);
    signedIn = { national_number: 'U2' };
    const published = agency.dataAs(portal).queryUsage({
      body: { identifier: 'U1' },
      personToken: await token('citizen-4'),
    });
    expect((await refusal(published)).status).toBe(403);
  });

  it('[REG-6.2-35-b][REG-6.1-13][REG-6.1-14-a] knows whose data was read as soon as an analyst says which field names the person', async () => {
    const tied = (owner: boolean) => ({
      type: 'object',
      properties: {
        'National ID': { type: 'string', id: 1, unique: true, ...(owner ? { owner } : {}) },
        Name: { type: 'string', id: 2, personal: true },
      },
    });
    const registry = await agency.publish(tied(false));
    await create({ 'National ID': 'T1', Name: 'Tess' }, registry);
    const look = () =>
      agency.data.readRecord({ params: at(registry), headers: {}, body: query({ 'National ID': 'T1' }) });
    const report = async () =>
      (await agency.insight.readUsageReport({ body: { identifier: 'T1', registry } })).body.entries;
    await look();
    expect(await report()).toEqual([]);
    const database = agency.databaseAs(portal);
    const params = { code: registry };
    const personToken = await analyst();
    await database.putDraft({ params, body: { schema: tied(true) }, personToken });
    await database.publishDraft({ params, body: {}, personToken });
    await look();
    expect(await report()).toMatchObject([{ method: 'read', registry, fields: ['Name'] }]);
  });

  it('[REG-6.1-8-d][REG-6.1-7-c] reports per registry and over all; that a report was read is in the report', async () => {
    const other = await agency.publish(schema);
    await create({ 'National ID': 'P1' });
    await create({ 'National ID': 'P1' }, other);
    await read('P1');
    await agency.data.readRecord({ params: at(other), headers: {}, body: query({ 'National ID': 'P1' }) });
    const report = async (body: object) =>
      (await agency.insight.readUsageReport({ body: { identifier: 'P1', ...body } })).body.entries;
    expect((await report({})).map(({ method, registry }) => [method, registry])).toEqual([
      ['report', ''],
      ['read', other],
      ['read', code],
    ]);
    expect((await report({ registry: other })).map(({ registry }) => registry)).toEqual([other]);
    const again = await report({});
    expect(again.filter(({ method }) => method === 'report')).toHaveLength(3);
    expect(again[0]).toMatchObject({ readerApplication: owner, institution: 'TEST/GOV/CRA' });
  });

  it('lets people ask about an entry of their own report, and analysts answer', async () => {
    await create({ 'National ID': 'Q1' });
    await read('Q1');
    signedIn = { national_number: 'Q1' };
    const personToken = await token('citizen-3');
    const insight = agency.insightAs(portal);
    const [entry] = (await insight.readUsageReport({ body: {}, personToken })).body.entries;
    const ask = (id: string) =>
      insight.askAboutUsage({ params: { id }, body: { question: 'Why did you look?' }, personToken });
    const { id } = (await ask(entry?.id ?? '')).body;
    await create({ 'National ID': 'Q2' });
    await read('Q2');
    const [somebodyElses] = await reads({});
    expect(somebodyElses?.id).not.toBe(entry?.id);
    expect((await refusal(ask(somebodyElses?.id ?? ''))).status).toBe(404);
    await agency.insight.answerUsageQuestion({ params: { id }, body: { answer: 'For your card.' } });
    const own = (await insight.listUsageQuestions({ personToken })).body;
    expect(own).toMatchObject([
      { entry: entry?.id, question: 'Why did you look?', answer: 'For your card.' },
    ]);
    const others = await insight.listUsageQuestions({ personToken: await token('citizen-4') });
    expect(others.body).toEqual([]);
    const { rows } = await sql<{ row: string }>`select q::text as row from usage_question q`.execute(db());
    expect(rows.some(({ row }) => row.includes(Buffer.from('Why did').toString('hex')))).toBe(false);
  });
});

describe('a record at a moment', () => {
  it('lists the records as they were, by what they said then', async () => {
    const made = await agency.publish(schema);
    await create({ 'National ID': 'T1', Village: 'North' }, made);
    const second = await create({ 'National ID': 'T2', Village: 'North' }, made);
    const params = at(made);
    const moved = await agency.data.updateRecord({
      params,
      headers: {},
      body: { ...query({ 'National ID': 'T1' }), ...write({ Village: 'South' }) },
    });
    await agency.data.deleteRecord({ params: { ...params, id: second.uuid } });
    const asOf = async (moment: string, content: Record<string, unknown> = {}) =>
      (
        await agency.insight.listRecordsAsOf({ params, headers: {}, body: { at: moment, query: content } })
      ).body.records.map((one) => one.content?.['National ID']);
    const before = new Date(Date.parse(moved.body.modifiedAt) - 1).toISOString();
    if (before >= second.createdAt) expect(await asOf(before, { Village: 'North' })).toEqual(['T1', 'T2']);
    expect(await asOf(moved.body.modifiedAt)).toContain('T1');
    const now = new Date().toISOString();
    expect(await asOf(now)).toEqual(['T1']);
    expect(await asOf(now, { Village: 'North' })).toEqual([]);
    expect(await asOf('2001-01-01T00:00:00Z')).toEqual([]);
    const none = agency.insight.listRecordsAsOf({
      params,
      headers: {},
      body: { at: now, query: { Nothing: 1 } },
    });
    expect((await refusal(none)).status).toBe(400);
    const { differences } = (
      await agency.insight.compareVersions({
        params: { ...params, id: moved.body.uuid },
        query: { from: 1, to: 2 },
        headers: {},
      })
    ).body;
    expect(differences).toEqual([{ field: 'Village', before: 'North', after: 'South' }]);
    expect(
      (await refusal(agency.insightAs(stranger).listRecordsAsOf({ params, headers: {}, body: { at: now } })))
        .status,
    ).toBe(404);
  });
});
