import type { Client } from '@govstack/platform';
import type { TestPerson } from '@govstack/platform/testing';
import { jsonResponse } from '@govstack/platform/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { registryRights } from '../src/api/operations.ts';
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
const authority = 'TEST/GOV/IDA/identity-authority';
const identityService = 'TEST/GOV/DGA/identity/identity-person-v1';
const member = 'TEST/GOV/CRA';

const schema = {
  type: 'object',
  properties: {
    ID: { type: 'string', id: 1, primaryKey: true, owner: true, personal: true },
    Name: { type: 'string', id: 2, personal: true, filterable: true },
    District: { type: 'string', id: 3 },
    Status: { type: 'string', id: 4 },
    Phone: { type: 'string', id: 5, personal: true, searchable: true },
    Income: { type: 'integer', id: 6 },
    Born: { type: 'string', format: 'date', id: 7 },
  },
};
const records = [
  ['A1', 'Ana Li', 'North', 'open', '0700111222', 100, '1990-04-02'],
  ['A2', 'Bo Wu', 'South', 'open', '0700333444', 200, '1980-01-01'],
  ['A3', 'Cy Mo', 'North', 'closed', '0700555666', 300, '1970-05-05'],
] as const;

let agency: Agency;
let rights: Client<typeof registryRights.operations>;
let code: string;
const rightsAs = (as: string, of = owner): Client<typeof registryRights.operations> =>
  agency.node.client(registryRights, { as, service: `${of}/registry-rights-v1` });

beforeAll(async () => {
  agency = await startAgency(
    { consoles: [portal], identityService, identityAuthorities: [authority] },
    {
      providers: {
        [identityService]: async (request) =>
          jsonResponse(
            200,
            request.headers.authorization?.includes(await tokens.get('cy')!) ? { national_number: 'A3' } : {},
          ),
      },
    },
  );
  rights = rightsAs(owner);
});
afterAll(() => agency.node.stop());

const tokens = new Map<string, Promise<string>>();
const token = (person: TestPerson): Promise<string> => agency.node.token(person);
const officer = (id: string, ...roles: string[]): Promise<string> => token({ id, roles, agency: member });
const citizen = (id: string): Promise<string> => token({ id });

/** A registry of its own for a test, with three records. */
async function fresh(details: object = {}): Promise<string> {
  code = await agency.publish({ ...schema, ...details });
  const names = Object.keys(schema.properties);
  const contents = records.map((one) => ({
    content: Object.fromEntries(names.map((name, index) => [name, one[index]])),
  }));
  await agency.data.createRecords({ params: at(code), body: { write: contents } });
  return code;
}
type RightBody = Parameters<typeof rights.putRight>[0]['body'];
const give = (name: string, body: RightBody, of = code) =>
  rights.putRight({ params: { code: of, name }, body });
const take = (name: string, of = code) => rights.deleteRight({ params: { code: of, name } });
const stand = (body: {
  applications?: 'all' | 'with-person' | 'none';
  analysts?: boolean;
  registrars?: boolean;
}) =>
  rights.putStandingRights({
    params: { code },
    body: { applications: 'all', analysts: true, registrars: true, ...body },
  });
const is = (field: string, value: string | number | { caller: string }) =>
  ({ field, operator: 'eq', value }) as const;

/** What somebody sees who works through the portal, or as an application. */
const seenBy = async (personToken: string | null, body: object = {}, as = portal, of = code) =>
  (
    await agency.dataAs(as).searchRecords({ params: at(of), body, headers: {}, personToken })
  ).body.results.map(({ content }) => content);
const idsSeenBy = async (personToken: string | null, body: object = {}, as = portal) =>
  (await seenBy(personToken, body, as)).map(({ ID }) => ID);

describe('a right', () => {
  it('[REG-6.1-6-a][REG-6.1-6-i] is given per method, field and record, to a person, a role or a group', async () => {
    await fresh();
    await stand({ registrars: false });
    const clerk = await officer('clerk', 'clerk');
    expect((await refusal(seenBy(clerk))).status).toBe(404);
    const north = {
      methods: ['list'],
      fields: [{ field: 'ID' }, { field: 'Name' }],
      rows: [[is('District', 'North')]],
    };
    const ways: [RightBody['subject'], string][] = [
      [{ kind: 'person', person: 'clerk' }, clerk],
      [{ kind: 'role', role: 'clerk' }, clerk],
      [{ kind: 'group', group: 'clerks' }, clerk],
      [
        { kind: 'role', role: 'clerk', agency: '*' },
        await token({ id: 'x', roles: ['clerk'], agency: 'TEST/GOV/MSP' }),
      ],
    ];
    await rights.putGroup({
      params: { name: 'clerks' },
      body: { title: 'Clerks', members: [{ role: 'clerk' }, { person: 'somebody' }] },
    });
    for (const [subject, personToken] of ways) {
      await give('clerks', { ...north, subject } as RightBody);
      expect(await seenBy(personToken)).toEqual([
        { ID: 'A1', Name: 'Ana Li' },
        { ID: 'A3', Name: 'Cy Mo' },
      ]);
      const read = agency
        .dataAs(portal)
        .readRecord({ params: at(code), body: query({ ID: 'A1' }), headers: {}, personToken });
      expect((await refusal(read)).status).toBe(403);
      expect((await refusal(seenBy(await officer('other', 'other')))).status).toBe(404);
      await take('clerks');
      expect((await refusal(seenBy(personToken))).status).toBe(404);
    }
  });

  it('[REG-6.1-6-c][REG-6.1-6-j] rests on roles, on what is known of the caller, and on how they signed in', async () => {
    await fresh();
    await stand({ registrars: false });
    await give('own-district', {
      subject: { kind: 'role', role: 'officer:*' },
      methods: ['list'],
      rows: [[is('District', { caller: 'role:officer' })]],
    });
    expect(await idsSeenBy(await officer('p', 'officer:South'))).toEqual(['A2']);
    expect(await idsSeenBy(await officer('p', 'officer:South', 'officer:North'))).toEqual(['A1', 'A2', 'A3']);
    expect(await idsSeenBy(await officer('p', 'officer:Nowhere'))).toEqual([]);
    await rights.putGroup({
      params: { name: 'inspectors' },
      body: {
        title: 'Inspectors',
        members: [{ person: 'ins', attributes: { district: ['North'] } }, { role: 'chief' }],
      },
    });
    await give('own-district', {
      subject: { kind: 'group', group: 'inspectors' },
      methods: ['list'],
      rows: [
        [is('District', { caller: 'attribute:district' }), { field: 'Income', operator: 'gt', value: 100 }],
        [{ caller: 'roles', operator: 'in', value: ['chief'] }],
      ],
      needs: { acr: ['strong'] },
    });
    const strong = (id: string, ...roles: string[]) => token({ id, roles, agency: member, acr: 'strong' });
    expect((await refusal(seenBy(await officer('ins')))).status).toBe(403);
    expect(await idsSeenBy(await strong('ins'))).toEqual(['A3']);
    expect(await idsSeenBy(await strong('p', 'chief'))).toEqual(['A1', 'A2', 'A3']);
  });

  it('[REG-6.1-6-g] shows a field only while the record says what it must, and nobody can ask around it', async () => {
    await fresh();
    const clerk = await officer('clerk', 'clerk');
    await give('clerks', {
      subject: { kind: 'role', role: 'clerk' },
      methods: ['list', 'read', 'exists', 'update', 'history'],
      fields: [
        { field: 'ID' },
        { field: 'Status' },
        { field: 'Phone', when: [[is('Status', 'open')]], write: false },
        { field: 'Income', when: [[is('Status', 'open')]] },
      ],
    });
    const phones = async (body: object = {}) => (await seenBy(clerk, body)).map(({ Phone }) => Phone ?? null);
    expect(await phones()).toEqual(['0700111222', '0700333444', null]);
    expect(await idsSeenBy(clerk, query({ Phone: '0700555666' }))).toEqual([]);
    expect(await idsSeenBy(clerk, query({ Phone: '0700333444' }))).toEqual(['A2']);
    const filtered = (operator: string, value?: unknown) =>
      idsSeenBy(clerk, { filter: [{ field: 'Income', operator, value }] });
    expect(await filtered('ge', 1)).toEqual(['A1', 'A2']);
    expect(await filtered('ne', 5)).toEqual(['A1', 'A2']);
    expect(await filtered('isNull')).toEqual(['A3']);
    expect(await filtered('isNull', false)).toEqual(['A1', 'A2']);
    expect(await idsSeenBy(clerk, { order: { field: 'Income', descending: true } })).toEqual([
      'A2',
      'A1',
      'A3',
    ]);
    const data = agency.dataAs(portal);
    const exists = async (content: Record<string, unknown>) =>
      (await data.recordExists({ params: at(code), body: query(content), headers: {}, personToken: clerk }))
        .body.answer.status;
    expect(await exists({ Phone: '0700555666' })).toBe(false);
    expect(await exists({ Phone: '0700111222' })).toBe(true);
    // A hidden field is like one that is not there: for questions, words, orders, values and keys.
    expect((await refusal(exists({ Name: 'Ana Li' }))).status).toBe(400);
    expect((await refusal(seenBy(clerk, { words: '0700555666' }))).status).toBe(400);
    expect((await refusal(seenBy(clerk, { order: { field: 'Name' } }))).status).toBe(400);
    const value = (id: string, fieldAndType: string) =>
      data.readValue({ params: { ...at(code), id, fieldAndType }, headers: {}, personToken: clerk });
    expect((await value('A1', 'Phone.json')).body).toBe('0700111222');
    expect((await refusal(value('A3', 'Phone.json'))).status).toBe(404);
    expect((await refusal(value('A1', 'Name.json'))).status).toBe(404);
    // Pages go on from values that the reader may see.
    const pages: unknown[] = [];
    let after: string | undefined;
    do {
      const page = await data.searchRecords({
        params: at(code),
        body: { order: { field: 'Income' }, pageSize: 1, ...(after ? { after } : {}) },
        headers: {},
        personToken: clerk,
      });
      pages.push(page.body.results[0]?.content.ID);
      after = page.body.next;
    } while (after);
    expect(pages).toEqual(['A1', 'A2', 'A3']);
    const change = (ID: string, content: Record<string, unknown>) =>
      data.updateRecord({
        params: at(code),
        headers: {},
        body: { ...query({ ID }), ...write(content) },
        personToken: clerk,
      });
    expect((await change('A1', { Income: 7 })).status).toBe(200);
    expect((await refusal(change('A3', { Income: 7 }))).status).toBe(403);
    expect((await refusal(change('A1', { Phone: '1' }))).status).toBe(400);
    const { uuid } = (
      await agency.data.readRecord({ params: at(code), body: query({ ID: 'A3' }), headers: {} })
    ).body;
    const { changes } = (await data.readHistory({ params: { ...at(code), id: uuid }, personToken: clerk }))
      .body;
    expect(changes[0]?.after).toEqual({ ID: 'A3', Status: 'closed' });
  });

  it('[REG-4.1-d][REG-6.1-5-i] masks values depending on the reader, and what is masked is not asked for', async () => {
    await fresh();
    const masked = (subject: RightBody['subject']): RightBody => ({
      subject,
      methods: ['list', 'read', 'exists'],
      fields: [
        { field: 'ID', show: 'hash' },
        { field: 'Name', show: 'initials' },
        { field: 'Phone', show: 'last4' },
        { field: 'Born', show: 'year' },
        { field: 'Income', show: 'redact' },
        { field: 'District' },
      ],
    });
    await give('clerks', masked({ kind: 'role', role: 'clerk' }));
    await give('abroad', masked({ kind: 'application', application: stranger }));
    await give('chiefs', { subject: { kind: 'role', role: 'chief' }, methods: ['list'] });
    const clerk = await officer('clerk', 'clerk');
    const [first, second] = await seenBy(clerk);
    expect(first).toEqual({
      ID: expect.stringMatching(/^[\w-]{22}$/),
      Name: 'A. L.',
      Phone: '••••1222',
      Born: '1990',
      Income: '••••',
      District: 'North',
    });
    expect(second?.ID).not.toBe(first?.ID);
    expect((await seenBy(clerk))[0]?.ID).toBe(first?.ID);
    // Two readers cannot put their pseudonyms together.
    expect((await seenBy(null, {}, stranger))[0]?.ID).not.toBe(first?.ID);
    expect((await seenBy(await officer('boss', 'chief')))[0]).toMatchObject({ Name: 'Ana Li', Income: 100 });
    expect((await seenBy(await officer('boss', 'chief', 'clerk')))[0]).toMatchObject({ Name: 'Ana Li' });
    for (const body of [
      query({ ID: 'A1' }),
      { filter: [{ field: 'Phone', operator: 'startsWith', value: '0700' }] },
      { order: { field: 'Income' } },
      { words: '0700111222' },
    ])
      expect((await refusal(seenBy(clerk, body))).status).toBe(400);
    const value = (id: string) =>
      agency.dataAs(portal).readValue({
        params: { ...at(code), id, fieldAndType: 'Name.json' },
        headers: {},
        personToken: clerk,
      });
    // The primary key is masked: records are not found by it.
    expect((await refusal(value('A1'))).status).toBe(404);
  });

  it('[REG-6.1-6-a] lets nobody write a record, or into one, that is not theirs, nor change whose it is', async () => {
    await fresh();
    const clerk = await officer('clerk', 'clerk');
    const all = ['create', 'update', 'delete', 'list', 'read'] as const;
    await give('clerks', {
      subject: { kind: 'role', role: 'clerk' },
      methods: [...all],
      rows: [[is('District', 'North')]],
      fields: [{ field: 'ID' }, { field: 'Name' }, { field: 'District' }, { field: 'Income', write: false }],
    });
    const data = agency.dataAs(portal);
    const create = (content: Record<string, unknown>) =>
      data.createRecord({ params: at(code), body: write(content), personToken: clerk });
    expect((await create({ ID: 'N1', District: 'North' })).body.content).toEqual({
      ID: 'N1',
      District: 'North',
    });
    // Two who work through one console do not get each other's answers, whatever key they send.
    const again = async (personToken: string) =>
      data.createRecord({
        params: at(code),
        body: write({ ID: 'N3', District: 'North' }),
        idempotencyKey: 'k',
        personToken,
      });
    const { uuid } = (await again(clerk)).body;
    expect((await again(clerk)).body.uuid).toBe(uuid);
    expect((await refusal(again(await officer('another', 'clerk')))).status).toBe(409);
    await data.deleteRecord({ params: { ...at(code), id: uuid }, personToken: clerk });
    expect((await refusal(create({ ID: 'S1', District: 'South' }))).status).toBe(403);
    expect((await refusal(create({ ID: 'S1' }))).status).toBe(403);
    expect((await refusal(create({ ID: 'N2', District: 'North', Income: 5 }))).status).toBe(400);
    const change = (ID: string, content: Record<string, unknown>) =>
      data.updateRecord({
        params: at(code),
        headers: {},
        body: { ...query({ ID }), ...write(content) },
        personToken: clerk,
      });
    expect((await refusal(change('A2', { Name: 'X' }))).status).toBe(404);
    expect((await refusal(change('A1', { District: 'South' }))).status).toBe(403);
    expect((await refusal(change('A1', { Phone: '1' }))).status).toBe(400);
    expect((await change('A1', { Name: 'Ana Lu' })).body.content).toMatchObject({
      Name: 'Ana Lu',
      Income: 100,
    });
    const upsert = (ID: string, content: Record<string, unknown>) =>
      data.updateOrCreateRecord({
        params: at(code),
        body: { ...query({ ID }), ...write(content) },
        personToken: clerk,
      });
    expect((await refusal(upsert('A2', { ID: 'A2', District: 'North' }))).status).toBe(409);
    await data.deleteRecord({ params: { ...at(code), id: 'A2' }, personToken: clerk });
    const many = data.updateRecords({
      params: at(code),
      body: { ...query({ Name: ['Bo Wu', 'Cy Mo'] }), ...write({ Name: 'Z' }) },
      personToken: clerk,
    });
    expect((await many).body.count).toBe(1);
    expect(
      (await seenBy(null, { order: { field: 'ID' } }, owner)).map(({ ID, Name }) => [ID, Name ?? null]),
    ).toEqual([
      ['A1', 'Ana Lu'],
      ['A2', 'Bo Wu'],
      ['A3', 'Z'],
      ['N1', null],
    ]);
  });

  it('[REG-6.1-6-h] can be anybody’s: any signed-in user’s, or an anonymous one’s', async () => {
    await fresh();
    await give('everybody', {
      subject: { kind: 'anonymous' },
      methods: ['list'],
      fields: [{ field: 'District' }],
    });
    await give('users', {
      subject: { kind: 'signed-in' },
      methods: ['list'],
      fields: [{ field: 'ID' }, { field: 'District' }],
    });
    const districts = records.map(([, , District]) => ({ District }));
    expect(await seenBy(null)).toEqual(districts);
    expect(await seenBy(null, {}, stranger)).toEqual(districts);
    expect(await seenBy(await citizen('anybody'))).toEqual(
      records.map(([ID, , District]) => ({ ID, District })),
    );
    // An application is the upper bound of what its people may.
    expect(await seenBy(await citizen('anybody'), {}, stranger)).toEqual(districts);
    await take('everybody');
    expect((await refusal(seenBy(null))).status).toBe(404);
  });

  it('[REG-5.2-req-4][REG-6.1-6-f] is given for a purpose and for a time, on a consent or a legal ground', async () => {
    await fresh();
    const ask = async (headers: object) =>
      (await agency.dataAs(stranger).searchRecords({ params: at(code), body: {}, headers })).body.results.map(
        ({ content }) => content,
      );
    const to = { kind: 'application', application: stranger } as const;
    const fields = [{ field: 'ID' }];
    await give('study', {
      subject: to,
      methods: ['list'],
      fields,
      needs: { purposes: ['study'], legalGround: true },
    });
    expect((await refusal(ask({}))).status).toBe(403);
    expect((await refusal(ask({ 'x-purpose': 'sales', 'x-legal-ground': 'Art. 5' }))).status).toBe(403);
    expect((await refusal(ask({ 'x-purpose': 'study' }))).status).toBe(403);
    expect(await ask({ 'x-purpose': 'study', 'x-legal-ground': 'Art. 5' })).toEqual([
      { ID: 'A1' },
      { ID: 'A2' },
      { ID: 'A3' },
    ]);
    await give('study', { subject: to, methods: ['list'], fields, needs: { consent: true } });
    expect((await refusal(ask({}))).status).toBe(403);
    expect(await ask({ 'x-consent-reference': 'c1' })).toHaveLength(3);
    await give('study', { subject: to, methods: ['list'], fields, until: '2020-01-01T00:00:00Z' });
    expect((await refusal(ask({}))).status).toBe(404);
    await give('study', {
      subject: to,
      methods: ['list'],
      fields,
      from: '2020-01-01T00:00:00Z',
      until: '2999-01-01T00:00:00Z',
    });
    expect(await ask({})).toHaveLength(3);
  });

  it('[REG-6.2-33-b][REG-9.2-a][REG-4.2-a] may want a person behind the application who may do it too', async () => {
    await fresh();
    const asCase = (personToken: string | null, as = stranger) => seenBy(personToken, {}, as);
    const to = { kind: 'application', application: stranger } as const;
    await give('cases', {
      subject: to,
      methods: ['list'],
      fields: [{ field: 'ID' }, { field: 'Name' }],
      needs: { person: { roles: ['case-worker'] } },
    });
    const worker = await token({ id: 'w', roles: ['case-worker'], agency: 'TEST/GOV/MSP' });
    expect((await refusal(asCase(null))).status).toBe(403);
    expect(
      (await refusal(asCase(await token({ id: 'w', roles: ['porter'], agency: 'TEST/GOV/MSP' })))).status,
    ).toBe(403);
    expect((await refusal(asCase(await officer('w', 'case-worker')))).status).toBe(403);
    expect(await asCase(worker)).toHaveLength(3);
    await give('cases', {
      subject: to,
      methods: ['list'],
      fields: [{ field: 'ID' }, { field: 'Name', show: 'initials' }],
      needs: { person: { ownRights: true } },
    });
    expect((await refusal(asCase(worker))).status).toBe(403);
    await give('workers', {
      subject: { kind: 'role', role: 'case-worker', agency: '*' },
      methods: ['list'],
      fields: [{ field: 'Name' }, { field: 'Income' }],
      rows: [[is('District', 'North')]],
    });
    // What is given is what both may: fewer records, fewer fields, the stronger mask.
    expect(await asCase(worker)).toEqual([{ Name: 'A. L.' }, { Name: 'C. M.' }]);
    // The agency's own applications, too, once it says so.
    await stand({ applications: 'with-person' });
    expect((await refusal(asCase(null, owner))).status).toBe(403);
    expect(await asCase(await officer('c', 'case-worker'), owner)).toEqual([
      { Name: 'Ana Li', Income: 100 },
      { Name: 'Cy Mo', Income: 300 },
    ]);
    await stand({ applications: 'none' });
    expect((await refusal(asCase(await officer('c', 'case-worker'), owner))).status).toBe(404);
    expect(await seenBy(await officer('r', 'registrar'))).toHaveLength(3);
    await stand({ registrars: false, analysts: false });
    expect((await refusal(seenBy(await officer('r', 'registrar', 'registry-analyst')))).status).toBe(404);
  });
});
