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
});
