import { readYaml, writeYaml } from '@govstack/platform/operation';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { registryMappings } from '../src/api/operations.ts';
import { type Agency, at, refusal, startAgency, write } from './fixtures/agency.ts';
import { agencyId, dciClient } from './fixtures/dci-client.ts';

let agency: Agency;
let farmers: string;
let client: ReturnType<typeof dciClient>;
beforeAll(async () => {
  agency = await startAgency();
  farmers = await agency.publish({
    type: 'object',
    properties: {
      'Farmer No': { type: 'string', id: 1, unique: true },
      'Farm.size': { type: 'number', id: 2, filterable: true },
      Crop: { type: 'string', id: 3, enum: ['maize', 'rice'] },
      Land: { type: 'object', id: 4, properties: { place: { type: 'object' } } },
    },
  });
  client = dciClient(agency);
  await client.register();
});
afterAll(() => agency.node.stop());

const farmer = (rest: object = {}) => ({
  registry: farmers,
  attributes: {
    farmer_id: 'Farmer No',
    farm_size: 'Farm.size',
    crop_type: { field: 'Crop', values: { maize: 'C-01', rice: 'C-02' } },
    village: 'Land.place.village',
  },
  identifiers: { FARMER_ID: 'farmer_id' },
  recordTypes: {
    Farmer: { '@type': 'Farmer', id: '$(farmer_id)', village: '$(village)', crops: ['$(crop_type)'] },
  },
  ...rest,
});
const put = (body: object, mapping = 'fr') =>
  client.mappings.putMapping({ params: { mapping }, body: body as never });

describe('a mapping', () => {
  it('[REG-2-a] makes a registry of any sector speak DCI by configuration alone', async () => {
    await put(farmer());
    await agency.data.createRecord({
      params: at(farmers),
      body: write({
        'Farmer No': 'F1',
        'Farm.size': 2.5,
        Crop: 'rice',
        Land: { place: { village: 'Amare' } },
      }),
    });
    const query = [
      {
        expression1: { attribute_name: 'farm_size', operator: 'le', attribute_value: '2.5' },
        condition: 'and',
        expression2: { attribute_name: 'crop_type', operator: 'eq', attribute_value: 'C-02' },
      },
    ];
    expect(await client.find('fr', 'predicate', query)).toEqual([
      { '@type': 'Farmer', id: 'F1', village: 'Amare', crops: ['C-02'] },
    ]);
  });

  it('that does not fit its registry is refused with every defect, and changes nothing', async () => {
    await put(farmer(), 'kept');
    const wrong = farmer({
      attributes: {
        farmer_id: 'Farmer No',
        nothing: 'Nothing',
        age: { field: 'Crop', as: 'age' },
        crop_type: { field: 'Crop', values: { wheat: 'C-03' } },
        hidden: { field: 'Farm.size', search: false },
        part: 'Crop.part',
      },
      identifiers: { A: 'constructor', B: 'hidden' },
      recordTypes: { Farmer: { id: '$(farmer_id) $(toString)' }, Other: {} },
      questions: { enrolled: { where: { unknown: true } }, support: { recordType: 'Nothing' } },
    });
    const { status, problem } = await refusal(put(wrong, 'kept'));
    expect(status).toBe(400);
    expect(problem?.errors?.map(({ pointer }) => pointer).sort()).toEqual([
      '/attributes/age/as',
      '/attributes/crop_type/values/wheat',
      '/attributes/nothing',
      '/attributes/part',
      '/defaultRecordType',
      '/identifiers/A',
      '/identifiers/B',
      '/questions/enrolled/where/unknown',
      '/questions/support/recordType',
      '/recordTypes/Farmer',
    ]);
    expect((await refusal(put(farmer({ registry: 'nothing' })))).status).toBe(404);
    expect((await refusal(put(farmer({ unknown: 1 })))).status).toBe(400);
    expect((await client.mappings.getMapping({ params: { mapping: 'kept' } })).body).toEqual(farmer());
  });

  it('is checked without being kept, and warned of searches that would read everything', async () => {
    const slow = farmer({ identifiers: { CROP: 'crop_type', PLACE: 'village', FARMER_ID: 'farmer_id' } });
    const { body } = await client.mappings.checkMapping({ body: slow });
    expect(body.defects).toEqual([]);
    expect(body.warnings.map(({ pointer }) => pointer)).toEqual(['/identifiers/CROP', '/identifiers/PLACE']);
    const names = async () => (await client.mappings.listMappings({})).body.mappings.map(({ name }) => name);
    const before = await names();
    expect(
      (await client.mappings.checkMapping({ body: farmer({ attributes: { x: 'y' } }) })).body.defects.length,
    ).toBeGreaterThan(0);
    expect(await names()).toEqual(before);
    await put(farmer(), 'short-lived');
    await client.mappings.deleteMapping({ params: { mapping: 'short-lived' } });
    expect(await names()).toEqual(before);
  });

  it('is written and read as YAML too', async () => {
    const url = `/${registryMappings.name}/mappings/yaml`;
    const request = (method: string, body?: string) =>
      agency.node.mediator.exchange({
        client: agencyId,
        service: `${agencyId}/${registryMappings.name}`,
        method,
        path: url.slice(url.indexOf('/mappings')),
        headers: { 'content-type': 'application/yaml', accept: 'application/yaml' },
        ...(body === undefined ? {} : { body }),
      });
    expect((await request('PUT', writeYaml(farmer()))).status).toBe(200);
    const answer = await request('GET');
    expect(answer.headers['content-type']).toContain('application/yaml');
    expect(readYaml(answer.body.toString('utf8'))).toEqual(farmer());
  });

  it('shows of a record only what its template names, whatever names it uses', async () => {
    await put(
      farmer({ recordTypes: { Farmer: { id: '$(@number)', a: '$(farm_size) ha', b: 'none $( here' } } }),
      'odd',
    );
    const [record] = await client.find('odd', 'idtype-value', { type: 'FARMER_ID', value: 'F1' });
    expect(record).toEqual({ id: expect.stringMatching(/^THINGS-\d+/), a: '2.5 ha', b: 'none $( here' });
  });
});
