import { startTestNode, type TestNode } from '@govstack/platform/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { registryData, registryDatabase } from '../src/api/operations.ts';
import { digitalRegistries } from '../src/block.ts';
import { at, query, refusal, write } from './fixtures/agency.ts';

const civil = 'TEST/GOV/CRA/civil-registry';
const land = 'TEST/GOV/NLA/land-registry';

/** An installation on a database of its own that answers for these applications. */
const start = (...owners: readonly string[]): Promise<TestNode> =>
  startTestNode({
    blocks: [{ block: digitalRegistries, application: owners[0] as string, answersAs: owners }],
  });
const databaseOf = (node: TestNode, owner: string) =>
  node.client(registryDatabase, { as: owner, service: `${owner}/${registryDatabase.name}` });
const dataOf = (node: TestNode, owner: string, as = owner) =>
  node.client(registryData, { as, service: `${owner}/${registryData.name}` });

async function publish(node: TestNode, owner: string, code: string, field: string): Promise<void> {
  const properties = { [field]: { type: 'string', id: 1, unique: true } };
  const params = { code };
  await databaseOf(node, owner).putDraft({ params, body: { schema: { type: 'object', properties } } });
  await databaseOf(node, owner).publishDraft({ params, body: {} });
  await dataOf(node, owner).createRecord({ params: at(code), body: write({ [field]: node.databasePrefix }) });
}
const codesOf = async (node: TestNode, owner: string): Promise<string[]> =>
  (await databaseOf(node, owner).listRegistries({})).body.databases.map(({ code }) => code);
const records = async (node: TestNode, owner: string, code: string, as = owner) =>
  (await dataOf(node, owner, as).searchRecords({ params: at(code), headers: {}, body: {} })).body.results.map(
    ({ content }) => content,
  );

let persons: TestNode;
let plots: TestNode;
let both: TestNode;
beforeAll(async () => {
  [persons, plots, both] = await Promise.all([start(civil), start(land), start(civil, land)]);
  await publish(persons, civil, 'persons', 'Name');
  await publish(plots, land, 'plots', 'Number');
  await publish(both, civil, 'persons', 'Name');
  await publish(both, land, 'plots', 'Number');
});
afterAll(() => Promise.all([persons, plots, both].map((node) => node.stop())));

describe('installations of registries', () => {
  it('[REG-2-b] are several with one registry each, of which none knows the others', async () => {
    expect(await codesOf(persons, civil)).toEqual(['persons']);
    expect(await codesOf(plots, land)).toEqual(['plots']);
    expect(await records(persons, civil, 'persons')).toEqual([{ Name: persons.databasePrefix }]);
    expect(await records(plots, land, 'plots')).toEqual([{ Number: plots.databasePrefix }]);
    for (const [node, own, other] of [
      [persons, civil, land],
      [plots, land, civil],
    ] as const) {
      expect((await refusal(databaseOf(node, other).listRegistries({}))).status).toBe(403);
      const theirs = { params: at(other === land ? 'plots' : 'persons') };
      for (const addressed of [own, other])
        expect(
          (await refusal(dataOf(node, addressed).readRecord({ ...theirs, body: query({}) }))).status,
        ).toBe(addressed === own ? 404 : 403);
    }
  });

  it('[REG-2-b] are one with many registries, of which each belongs to its application alone', async () => {
    expect(await codesOf(both, civil)).toEqual(['persons']);
    expect(await codesOf(both, land)).toEqual(['plots']);
    expect(await records(both, civil, 'persons')).toEqual([{ Name: both.databasePrefix }]);
    expect(await records(both, land, 'plots')).toEqual([{ Number: both.databasePrefix }]);
    expect((await refusal(records(both, civil, 'plots'))).status).toBe(404);
    expect((await refusal(records(both, land, 'plots', civil))).status).toBe(404);
    // What is kept in one installation is nowhere else.
    expect(await records(persons, civil, 'persons')).toEqual([{ Name: persons.databasePrefix }]);
    await publish(both, civil, 'families', 'Name');
    expect((await codesOf(both, civil)).sort()).toEqual(['families', 'persons']);
    expect(await codesOf(persons, civil)).toEqual(['persons']);
  });
});
