import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Agency, at, query, refusal, startAgency, write } from './fixtures/agency.ts';

const portal = 'TEST/GOV/DGA/portal';
const schema = { type: 'object', properties: { Name: { type: 'string', id: 1, personal: true } } };

let agency: Agency;
let code: string;
beforeAll(async () => {
  agency = await startAgency({ consoles: [portal] });
  code = await agency.publish(schema);
  await agency.data.createRecord({ params: at(code), body: write({ Name: 'Ana' }) });
});
afterAll(() => agency.node.stop());

const token = (role: string, member = 'TEST/GOV/CRA') =>
  agency.node.token({ id: 'p1', roles: [role], agency: member });
const read = (personToken: string | null) =>
  agency.dataAs(portal).readRecord({ params: at(code), body: query({ Name: 'Ana' }), personToken });

describe('a console through which people work', () => {
  it('[REG-6.2-33-b] has the rights of the person who is signed in, and none of its own', async () => {
    expect((await read(await token('registrar'))).body.content).toEqual({ Name: 'Ana' });
    expect((await read(await token('registry-analyst'))).body.content).toEqual({ Name: 'Ana' });
    expect((await refusal(read(null))).status).toBe(404);
    expect((await refusal(read(await token('officer')))).status).toBe(404);
    expect((await refusal(read(await token('registrar', 'TEST/GOV/MSP')))).status).toBe(404);
  });

  it('[REG-6.1-6-a] lets analysts administer the registries of their own agency, and nobody else', async () => {
    const database = agency.databaseAs(portal);
    const list = (personToken: string | null) => database.listRegistries({ personToken });
    expect((await list(await token('registry-analyst'))).body.databases).toHaveLength(1);
    for (const refused of [null, await token('registrar'), await token('registry-analyst', 'TEST/GOV/MSP')])
      expect((await refusal(list(refused))).status).toBe(403);
  });

  it('[REG-6.1-30] shows people the published registries in which they may list, with how much is in them', async () => {
    const shown = async (personToken: string | null) =>
      (await agency.dataAs(portal).listUsableRegistries({ personToken })).body.registries;
    const expected = { code, name: code, version: '1.0', archived: false, records: 1, countIsExact: true };
    expect(await shown(await token('registrar'))).toMatchObject([{ ...expected, description: '' }]);
    for (const personToken of [null, await token('officer'), await token('registrar', 'TEST/GOV/MSP')])
      expect(await shown(personToken)).toEqual([]);
    expect(
      (await agency.dataAs('TEST/GOV/MSP/cash-transfer').listUsableRegistries({})).body.registries,
    ).toEqual([]);
  });

  it('[REG-8-e] opens and changes a record by its identifier, in the version that was read only', async () => {
    const { uuid } = (await agency.data.createRecord({ params: at(code), body: write({ Name: 'Bo' }) })).body;
    const personToken = await token('registrar');
    const data = agency.dataAs(portal);
    const params = { ...at(code), id: uuid };
    const change = (Name: string, version: number) =>
      data.changeRecord({
        params,
        body: write({ Name }),
        headers: { 'if-match': `"${version}"` },
        personToken,
      });
    expect((await change('Bob', 1)).body).toMatchObject({ rowVersion: 2, content: { Name: 'Bob' } });
    expect((await refusal(change('Bea', 1))).status).toBe(412);
    await data.deleteRecord({ params, personToken });
    const { body, headers } = await data.getRecord({ params, personToken });
    expect(body).toMatchObject({ state: 'deleted', content: { Name: 'Bob' } });
    expect(headers.etag).toBe('"3"');
    expect((await refusal(change('Bea', 3))).status).toBe(404);
  });

  it('keeps and publishes a draft only when it is what was read', async () => {
    const { database } = agency;
    const params = { code: 'drafted' };
    const put = (properties: object, tag: string) =>
      database.putDraft({
        params,
        headers: { 'if-match': tag },
        body: { schema: { type: 'object', properties } },
      });
    const a = { A: { type: 'string', id: 1 } };
    const b = { B: { type: 'string', id: 2 } };
    const first = (await put(a, '"new"')).headers.etag as string;
    expect((await refusal(put(a, '"new"'))).status).toBe(412);
    const second = (await put({ ...a, ...b }, first)).headers.etag as string;
    // Only the order of the fields differs, and that counts.
    const third = (await put({ ...b, ...a }, second)).headers.etag as string;
    expect(third).not.toBe(second);
    expect((await refusal(put(a, second))).status).toBe(412);
    const publish = (tag: string) =>
      database.publishDraft({ params, headers: { 'if-match': tag }, body: {} });
    expect((await refusal(publish(second))).status).toBe(412);
    await publish(third);
    const published = (await database.getRegistry({ params: { id: 'drafted' } })).headers.etag as string;
    expect(published).toBe(third);
    await put(a, published);
  });
});
