import { randomUUID } from 'node:crypto';
import type { Client } from '@govstack/platform';
import { jsonResponse } from '@govstack/platform/testing';
import { sql } from 'kysely';
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
    Name: { type: 'string', id: 2, personal: true },
    District: { type: 'string', id: 3 },
  },
};

let agency: Agency;
let rights: Client<typeof registryRights.operations>;
/** National numbers that the identity block knows, by access token. */
const numbers = new Map<string, string>();
const rightsAs = (as: string) =>
  agency.node.client(registryRights, { as, service: `${owner}/registry-rights-v1` });

beforeAll(async () => {
  agency = await startAgency(
    { consoles: [portal], identityService, identityAuthorities: [authority] },
    {
      providers: {
        [identityService]: async ({ headers }) => {
          const number = numbers.get(headers.authorization ?? '');
          return jsonResponse(200, number === undefined ? {} : { national_number: number });
        },
      },
    },
  );
  rights = rightsAs(owner);
});
afterAll(() => agency.node.stop());

const officer = (id: string, ...roles: string[]) => agency.node.token({ id, roles, agency: member });
const citizen = async (id: string, number?: string): Promise<string> => {
  const token = await agency.node.token({ id });
  if (number !== undefined) numbers.set(`Bearer ${token}`, number);
  return token;
};
async function fresh(of: object = schema): Promise<string> {
  const code = await agency.publish(of);
  await agency.data.createRecords({
    params: at(code),
    body: {
      write: [
        ['A1', 'Ana Li', 'North'],
        ['A2', 'Bo Wu', 'South'],
        ['A3', 'Cy Mo', 'North'],
      ].map(([ID, Name, District]) => ({ content: { ID, Name, District } })),
    },
  });
  return code;
}
const seenBy = async (code: string, personToken: string | null, as = portal) =>
  (
    await agency.dataAs(as).searchRecords({ params: at(code), body: {}, headers: {}, personToken })
  ).body.results.map(({ content }) => content.ID);
type RightBody = Parameters<typeof rights.putRight>[0]['body'];
const give = (code: string, name: string, body: RightBody) =>
  rights.putRight({ params: { code, name }, body });
const clerks = { kind: 'role', role: 'clerk' } as const;
const north = [[{ field: 'District', operator: 'eq', value: 'North' }]] as RightBody['rows'];
const own: RightBody = { subject: { kind: 'record-owner', delegates: true }, methods: ['list', 'read'] };

describe('a template', () => {
  it('[REG-6.1-6-e] gives the same rights on several registries, and stays linked to them', async () => {
    const codes = [
      await fresh(),
      await fresh(),
      await fresh({
        type: 'object',
        properties: { ID: { type: 'string' }, Name: { type: 'string' }, District: { type: 'string', id: 9 } },
      }),
    ];
    const [first = '', second = '', third = ''] = codes;
    const clerk = await officer('c', 'clerk');
    const put = (rows?: RightBody['rows']) =>
      rights.putTemplate({
        params: { name: 'district' },
        body: {
          title: 'By district',
          rights: { clerks: { subject: clerks, methods: ['list'], ...(rows ? { rows } : {}) } },
        },
      });
    const apply = (registries: 'all' | string[]) =>
      rights.applyTemplate({ params: { name: 'district' }, body: { registries } });
    await put(north);
    expect((await refusal(seenBy(first, clerk))).status).toBe(404);
    await apply([first, third]);
    expect(await seenBy(first, clerk)).toEqual(['A1', 'A3']);
    expect(await seenBy(third, clerk)).toEqual(['A1', 'A3']);
    expect((await refusal(seenBy(second, clerk))).status).toBe(404);
    await put();
    expect(await seenBy(third, clerk)).toEqual(['A1', 'A2', 'A3']);
    await apply('all');
    expect(await seenBy(second, clerk)).toHaveLength(3);
    expect(await seenBy(await fresh(), clerk)).toHaveLength(3);
    // Where a registry has not what the conditions speak of, it gives nothing.
    await put([[{ field: 'Nowhere', operator: 'ne', value: 'x' }]]);
    expect(await seenBy(first, clerk)).toEqual([]);
    await put(north);
    expect((await rights.listTemplates({})).body.templates[0]).toMatchObject({ everywhere: true });
    expect((await refusal(apply(['nothing']))).status).toBe(404);
    expect(await seenBy(second, clerk)).toEqual(['A1', 'A3']);
    await rights.deleteTemplate({ params: { name: 'district' } });
    for (const code of codes) expect((await refusal(seenBy(code, clerk))).status).toBe(404);
  });
});

describe('the person a record is about', () => {
  it('[REG-6.1-6-c] sees their own records, known by the identity block or by what an agency has registered', async () => {
    const code = await fresh();
    await give(code, 'own', own);
    expect(await seenBy(code, await citizen('nobody'))).toEqual([]);
    expect((await refusal(seenBy(code, null))).status).toBe(404);
    expect(await seenBy(code, await citizen('cy', 'A3'))).toEqual(['A3']);
    const bo = await citizen('bo');
    const bind = (as: string, identifiers: string[]) =>
      rightsAs(as).putIdentifiers({ params: { person: 'bo' }, body: { identifiers } });
    expect((await refusal(bind(stranger, ['A1']))).status).toBe(403);
    await bind(authority, ['A2', 'A1']);
    expect(await seenBy(code, bo)).toEqual(['A1', 'A2']);
    await bind(owner, ['A2']);
    expect(await seenBy(code, bo)).toEqual(['A2']);
    const { rows } = await sql<{ row: string }>`
      select t::text as row from person_identifiers t
      union all
      select t::text from rights_change t where kind = 'identifiers'`.execute(
      agency.node.database('digital-registries'),
    );
    expect(rows.length).toBe(3);
    expect(rows.every(({ row }) => !/["{,(]A2["},)]/.test(row))).toBe(true);
    await bind(owner, []);
    expect(await seenBy(code, bo)).toEqual([]);
  });

  it('[REG-6.1-6-d] is acted for by whom they have, for a time, on a ground; and sees that in the log', async () => {
    const code = await fresh();
    const other = await fresh();
    for (const one of [code, other]) await give(one, 'own', own);
    const guardian = await citizen('guardian', 'A1');
    const ward = await citizen('ward', 'A3');
    const put = (id: string, more: object = {}) =>
      rights.putDelegation({
        params: { id },
        body: {
          delegate: 'guardian',
          subject: 'A3',
          registries: [code],
          ground: 'Court decision 7',
          until: '2999-01-01T00:00:00Z',
          ...more,
        },
      });
    const id = randomUUID();
    await put(id);
    await put(id);
    expect((await refusal(put(id, { subject: 'A2' }))).status).toBe(409);
    expect(await seenBy(code, guardian)).toEqual(['A1', 'A3']);
    expect(await seenBy(other, guardian)).toEqual(['A1']);
    const read = agency
      .dataAs(portal)
      .readRecord({ params: at(code), body: query({ ID: 'A3' }), headers: {}, personToken: guardian });
    expect((await read).body.content.Name).toBe('Cy Mo');
    const usage = (await agency.data.queryUsage({ body: { identifier: 'A3' } })).body;
    expect(usage[0]).toMatchObject({ readerId: 'guardian', delegated: true, registry: code });
    expect((await agency.data.queryUsage({ body: { identifier: 'A1' } })).body[0]).toMatchObject({
      readerId: 'guardian',
    });
    const mine = async (personToken: string) =>
      (await rightsAs(portal).listOwnDelegations({ personToken })).body;
    expect((await mine(guardian)).acting).toMatchObject([
      { id, delegate: 'guardian', registries: [code], revokedAt: null },
    ]);
    expect(JSON.stringify(await mine(guardian))).not.toContain('A3');
    await rights.putIdentifiers({ params: { person: 'ward' }, body: { identifiers: ['A3'] } });
    expect((await mine(ward)).represented).toHaveLength(1);
    const revoke = (as: string, personToken: string | null) =>
      rightsAs(as).revokeDelegation({ params: { id }, personToken });
    expect((await refusal(revoke(portal, await citizen('nobody')))).status).toBe(403);
    await revoke(portal, ward);
    expect(await seenBy(code, guardian)).toEqual(['A1']);
    await revoke(owner, null);
    for (const more of [
      { from: '2998-01-01T00:00:00Z' },
      { from: '2019-01-01T00:00:00Z', until: '2020-01-01T00:00:00Z' },
      { methods: ['read'] },
    ])
      await put(randomUUID(), more);
    expect(await seenBy(code, guardian)).toEqual(['A1']);
    expect((await rights.searchDelegations({ body: { subject: 'A3' } })).body.delegations).toHaveLength(4);
    // A right that does not say so is the person's alone.
    await put(randomUUID());
    expect(await seenBy(code, guardian)).toEqual(['A1', 'A3']);
    await give(code, 'own', { subject: { kind: 'record-owner' }, methods: ['list'] });
    expect(await seenBy(code, guardian)).toEqual(['A1']);
  });
});

describe('rights', () => {
  it('[REG-5.2-req-4] are managed by analysts through a console or by the agency’s systems, and each change is on record', async () => {
    const code = await fresh();
    const body: RightBody = { subject: clerks, methods: ['list'], fields: [{ field: 'Name' }] };
    const analyst = await officer('an', 'registry-analyst');
    for (const [as, personToken] of [
      [stranger, null],
      [portal, null],
      [portal, await officer('r', 'registrar')],
      [portal, await agency.node.token({ id: 'x', roles: ['registry-analyst'], agency: 'TEST/GOV/MSP' })],
    ] as const)
      expect(
        (await refusal(rightsAs(as).putRight({ params: { code, name: 'clerks' }, body, personToken })))
          .status,
      ).toBe(403);
    await rightsAs(portal).putRight({ params: { code, name: 'clerks' }, body, personToken: analyst });
    await give(code, 'clerks', body);
    await give(code, 'clerks', { ...body, methods: ['list', 'read'] });
    await rights.deleteRight({ params: { code, name: 'clerks' } });
    await rights.deleteRight({ params: { code, name: 'clerks' } });
    await agency.database.putAccess({ params: { code }, body: { application: stranger, methods: ['read'] } });
    const { changes } = (await rights.listRightsChanges({ query: {} })).body;
    const said = changes.filter(({ registry }) => registry === code);
    expect(
      said.map(({ kind, before, after, person }) => [kind, before !== null, after !== null, person]),
    ).toEqual([
      ['access', false, true, null],
      ['right', true, false, null],
      ['right', true, true, null],
      ['right', false, true, 'an'],
    ]);
    expect(said[2]).toMatchObject({
      before: { methods: ['list'] },
      after: { methods: ['list', 'read'] },
      application: owner,
    });
    const older = (await rights.listRightsChanges({ query: { before: said[1]?.number ?? 0, limit: 1 } })).body
      .changes;
    expect(older[0]?.number).toBe(said[2]?.number);
    const erase = sql`delete from rights_change`.execute(agency.node.database('digital-registries'));
    await expect(erase).rejects.toThrow(/append-only/);
  });

  it('are explained: what somebody may do, in which records, and why not', async () => {
    const code = await fresh();
    await give(code, 'clerks', {
      subject: clerks,
      methods: ['list', 'update'],
      rows: north,
      fields: [
        { field: 'ID', show: 'last4' },
        { field: 'Name', when: [[{ field: 'ID', operator: 'eq', value: 'A1' }]] },
      ],
    });
    const explained = async (body: Parameters<typeof rights.explainRights>[0]['body']) =>
      (await rights.explainRights({ params: { code }, body })).body;
    const { held, methods } = await explained({ person: { id: 'c', roles: ['clerk'], agency: member } });
    expect(held).toEqual(['right:clerks']);
    const list = methods.find(({ method }) => method === 'list');
    expect(list).toMatchObject({
      allowed: true,
      rights: ['right:clerks'],
      rows: 'District is "North"',
      sql: '"f_3" = $1::text',
      fields: [
        { name: 'ID', shown: 'partly', detail: 'last4' },
        { name: 'Name', shown: 'partly', detail: 'plain where District is "North" and ID is "A1"' },
        { name: 'District', shown: 'hidden', detail: null },
      ],
    });
    expect(methods.find(({ method }) => method === 'update')?.fields.map(({ written }) => written)).toEqual([
      'never',
      'partly',
      'never',
    ]);
    expect(methods.find(({ method }) => method === 'read')).toMatchObject({
      allowed: false,
      refusal: 'You may not read here',
    });
    expect((await explained({})).methods.every(({ allowed }) => !allowed)).toBe(true);
    expect((await explained({ application: owner })).held).toEqual(['standing:applications']);
    expect(
      (await explained({ person: { id: 'r', roles: ['registrar'], agency: member } })).methods[0],
    ).toMatchObject({
      rows: 'every record',
      rights: ['standing:registrars'],
    });
  });

  it('follow a field that is renamed, and not a new one that takes its name', async () => {
    const code = await fresh();
    const clerk = await officer('c', 'clerk');
    await give(code, 'clerks', {
      subject: clerks,
      methods: ['list'],
      fields: [{ field: 'Name' }],
      rows: north,
    });
    const { ID, Name, District } = schema.properties;
    await agency.database.putDraft({
      params: { code },
      body: {
        schema: {
          type: 'object',
          properties: {
            ID,
            'Full name': Name,
            Region: District,
            Name: { type: 'string', id: 4 },
            District: { type: 'string', id: 5 },
          },
        },
      },
    });
    await agency.database.publishDraft({ params: { code }, body: { acceptBreaking: true } });
    await agency.data.updateRecords({
      params: at(code),
      body: { ...query({ ID: ['A1', 'A2'] }), ...write({ Name: 'x', District: 'North' }) },
    });
    const { results } = (
      await agency
        .dataAs(portal)
        .searchRecords({ params: at(code), body: {}, headers: {}, personToken: clerk })
    ).body;
    expect(results.map(({ content }) => content)).toEqual([
      { 'Full name': 'Ana Li' },
      { 'Full name': 'Cy Mo' },
    ]);
    expect((await rights.listRights({ params: { code } })).body.rights[0]?.right).toMatchObject({
      fields: [{ field: 'Full name' }],
      rows: [[{ field: 'Region' }]],
    });
  });

  it('that say what cannot be are refused where it stands, and change nothing', async () => {
    const code = await fresh();
    const refused = async (body: object) => {
      const { status, problem } = await refusal(
        give(code, 'bad', { subject: clerks, methods: ['list'], ...body } as RightBody),
      );
      expect(status).toBe(400);
      return problem?.errors?.[0]?.pointer;
    };
    const rows = (one: object) => ({ rows: [[one]] });
    expect(await refused({ fields: [{ field: 'Nothing' }] })).toBe('/fields/0/field');
    expect(await refused({ fields: [{ field: 'ID', show: 'everything' }] })).toBe('/fields/0/show');
    expect(await refused(rows({ field: 'Nothing', operator: 'eq', value: 'x' }))).toBe('/rows');
    expect(await refused(rows({ field: "District' or true --", operator: 'eq', value: 'x' }))).toBe('/rows');
    expect(await refused(rows({ field: 'District', operator: 'lt', value: 'x' }))).toBe('/rows');
    expect(await refused(rows({ field: 'District', operator: 'eq' }))).toBe('/rows');
    expect(await refused(rows({ operator: 'eq', value: 'x' }))).toBe('/rows');
    expect(await refused(rows({ field: 'District', operator: 'like', value: 'x' }))).toBe(
      '/rows/0/0/operator',
    );
    expect(await refused(rows({ field: 'District', operator: 'eq', value: 'a\ud800' }))).toBe('');
    expect(await refused({ methods: ['import'], rows: north })).toBe('/rows');
    expect(await refused({ methods: ['update'], needs: { consent: true } })).toBe('/needs');
    expect(await refused({ needs: { person: {} } })).toBe('/needs/person');
    expect(await refused({ methods: [] })).toBe('/methods');
    expect(await refused({ subject: { kind: 'everybody' } })).toContain('/subject');
    expect(await refused({ from: '2030-01-01T00:00:00Z', until: '2020-01-01T00:00:00Z' })).toBe('/until');
    expect((await refusal(give('nothing', 'x', { subject: clerks, methods: ['list'] }))).status).toBe(404);
    expect((await rights.listRights({ params: { code } })).body.rights).toEqual([]);
    // Values are values, whatever they look like.
    await give(code, 'odd', {
      subject: clerks,
      methods: ['list'],
      rows: [[{ field: 'District', operator: 'in', value: [`x" || 1 == 1 || "`, "' or true --", '\\'] }]],
    });
    expect(await seenBy(code, await officer('c', 'clerk'))).toEqual([]);
  });

  it('that are taken away while they are used give nothing to any call that comes after', async () => {
    const code = await fresh();
    const clerk = await officer('c', 'clerk');
    const statuses = async () =>
      (await Promise.allSettled(Array.from({ length: 8 }, () => seenBy(code, clerk)))).map(
        ({ status }) => status,
      );
    for (let round = 0; round < 5; round += 1) {
      await give(code, 'clerks', { subject: clerks, methods: ['list'] });
      expect(await statuses()).toEqual(Array(8).fill('fulfilled'));
      const meanwhile = statuses();
      await rights.deleteRight({ params: { code, name: 'clerks' } });
      expect(await statuses()).toEqual(Array(8).fill('rejected'));
      await meanwhile;
    }
    // Two at once: both are there, and both are on record.
    await Promise.all(
      ['one', 'two', 'three'].map((name) => give(code, name, { subject: clerks, methods: ['list'] })),
    );
    expect((await rights.listRights({ params: { code } })).body.rights.map(({ name }) => name)).toEqual([
      'one',
      'three',
      'two',
    ]);
  });

  it('[REG-6.1-6-b] of applications are listed for who administers the registry, page by page, until they are taken away', async () => {
    const code = await fresh();
    const list = (as = owner, after = '') =>
      agency.databaseAs(as).listAccess({ params: { code }, query: { after } });
    const grant = (application: string, methods: readonly ('read' | 'list')[], fields?: string[]) =>
      agency.database.putAccess({
        params: { code },
        body: { application, methods: [...methods], ...(fields ? { fields } : {}) },
      });
    expect((await list()).body).toEqual({ access: [] });
    await grant(stranger, ['read', 'list'], ['ID', 'District']);
    await grant('TEST/GOV/LRA/tax', ['read']);
    const tax = { application: 'TEST/GOV/LRA/tax', methods: ['read'], fields: null };
    expect((await list()).body).toEqual({
      access: [tax, { application: stranger, methods: ['read', 'list'], fields: ['ID', 'District'] }],
    });
    await grant(stranger, []);
    expect((await list()).body).toEqual({ access: [tax] });
    expect((await refusal(list(stranger))).status).toBe(403);
    expect((await refusal(list('TEST/GOV/LRA/tax'))).status).toBe(403);

    const many = Array.from({ length: 201 }, (_, index) => `TEST/GOV/ZZZ/a-${1000 + index}`);
    await Promise.all(many.map((application) => grant(application, ['read'])));
    const first = (await list()).body;
    expect(first.access).toHaveLength(200);
    const { access, next } = (await list(owner, first.next)).body;
    expect([...first.access, ...access].map(({ application }) => application)).toEqual([
      tax.application,
      ...many,
    ]);
    expect(next).toBeUndefined();
  });

  it('[REG-9.1-b][REG-6.2-33-a] let those change schema and records who are authorised, and nobody else anything', async () => {
    const code = await fresh();
    await agency.database.putAccess({
      params: { code },
      body: { application: stranger, methods: ['list', 'create', 'update', 'delete', 'read', 'exists'] },
    });
    const client = agency.dataAs(stranger);
    await client.createRecord({ params: at(code), body: write({ ID: 'B1', Name: 'New' }) });
    await client.updateRecord({
      params: at(code),
      headers: {},
      body: { ...query({ ID: 'B1' }), ...write({ Name: 'Newer' }) },
    });
    const upsert = await client.updateOrCreateRecord({
      params: at(code),
      body: { ...query({ ID: 'B2' }), ...write({ ID: 'B2' }) },
    });
    await client.deleteRecord({ params: { ...at(code), id: upsert.body.uuid } });
    expect(await seenBy(code, null, stranger)).toEqual(['A1', 'A2', 'A3', 'B1']);
    const stranded = [
      () =>
        agency.databaseAs(stranger).putDraft({
          params: { code },
          body: { schema: { type: 'object', properties: { X: { type: 'string' } } } },
        }),
      () => agency.databaseAs(stranger).deleteRegistry({ params: { id: code } }),
      () =>
        agency.databaseAs(stranger).putAccess({
          params: { code },
          body: { application: stranger, methods: [] },
        }),
      () =>
        rightsAs(stranger).putStandingRights({
          params: { code },
          body: { applications: 'none', analysts: false, registrars: false },
        }),
      () => rightsAs(stranger).deleteRight({ params: { code, name: 'x' } }),
    ];
    for (const call of stranded) expect((await refusal(call())).status).toBe(403);
    expect((await agency.database.getRegistry({ params: { id: code } })).body).toMatchObject({
      isDraft: false,
      isArchived: false,
      version: '1.0',
    });
  });
});
