import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fhirApi } from '../src/api/operations.ts';
import { type Agency, at, refusal, startAgency } from './fixtures/agency.ts';
import { agencyId, dciClient } from './fixtures/dci-client.ts';

const schema = {
  type: 'object',
  properties: {
    Number: { type: 'string', id: 1, unique: true, owner: true, personal: true },
    Family: { type: 'string', id: 2, personal: true, filterable: true },
    Given: { type: 'string', id: 3, personal: true, filterable: true },
    Sex: { type: 'string', id: 4, enum: ['F', 'M'], personal: true },
    Born: { type: 'string', format: 'date', id: 5, personal: true, filterable: true },
    Mother: { type: 'string', id: 6, personal: true, filterable: true },
  },
};
const nin = 'urn:lumora:nin';
const mapping = (registry: string) => ({
  registry,
  attributes: {
    number: 'Number',
    family: 'Family',
    given: 'Given',
    born: 'Born',
    gender: { field: 'Sex', values: { F: 'female', M: 'male' } },
    mother: 'Mother',
  },
  fhir: {
    patient: {
      template: {
        identifier: [{ system: nin, value: '$(number)' }],
        name: [{ family: '$(family)', given: ['$(given)'] }],
        gender: '$(gender)',
        birthDate: '$(born)',
      },
      identifiers: { [nin]: 'number' },
      search: { family: 'family', given: 'given', birthdate: 'born', gender: 'gender' },
    },
    mother: {
      identifier: 'mother',
      system: nin,
      template: { identifier: [{ system: nin, value: '$(mother)' }] },
    },
  },
});
const people = [
  ['N1', 'Moreau', 'Ana', 'F', '1990-05-20', undefined],
  ['N2', 'Moreau', 'Bo', 'M', '2015-02-03', 'N1'],
  ['N3', 'Morrow', 'Anna', 'F', '1990-05-20', undefined],
  ['N4', 'Smith', 'Cy', 'M', '1971-12-31', undefined],
  ['N5', 'Smyth', 'Cy', 'M', '1971-12-31', undefined],
  ['N6', 'Öztürk', 'Di', 'F', '2001-06-01', undefined],
] as const;

let agency: Agency;
let fhir: ReturnType<typeof clientAs>;
const clientAs = (as: string) => agency.node.client(fhirApi, { as, service: `${agencyId}/fhir-r4-v1` });
const params = { mapping: 'patients' };
type Bundle = {
  total?: number;
  link: { relation: string; url: string }[];
  entry: {
    resource: Record<string, unknown>;
    search: { score: number; extension: { valueCode: string }[] };
  }[];
};
const numbers = (bundle: unknown) =>
  (bundle as Bundle).entry.map(({ resource }) => (resource.identifier as { value: string }[])[0]?.value);
const search = async (query: object) =>
  (await fhir.searchPatients({ params, query, headers: {} })).body as unknown as Bundle;
const found = async (query: object) => numbers(await search(query)).sort();

beforeAll(async () => {
  agency = await startAgency();
  const code = await agency.publish(schema);
  const content = ([number, Family, Given, Sex, Born, Mother]: (typeof people)[number]) => ({
    content: JSON.parse(JSON.stringify({ Number: number, Family, Given, Sex, Born, Mother })),
  });
  await agency.data.createRecords({ params: at(code), body: { write: people.map(content) } });
  await dciClient(agency).mappings.putMapping({ params, body: mapping(code) });
  fhir = clientAs(agencyId);
});
afterAll(() => agency.node.stop());

describe('patients', () => {
  it('are read as FHIR R4, under its media type, and leave a trace', async () => {
    const [entry] = (await search({ identifier: `${nin}|N1` })).entry;
    const { body, headers } = await fhir.readPatient({
      params: { ...params, id: entry?.resource.id as string },
      headers: {},
    });
    expect(headers['content-type']).toContain('application/fhir+json');
    expect(headers.etag).toBe('W/"1"');
    expect(body).toEqual({
      resourceType: 'Patient',
      id: entry?.resource.id,
      meta: { versionId: '1', lastUpdated: expect.any(String) },
      identifier: [{ system: nin, value: 'N1' }],
      name: [{ family: 'Moreau', given: ['Ana'] }],
      gender: 'female',
      birthDate: '1990-05-20',
    });
    const usage = (await agency.data.queryUsage({ body: { identifier: 'N1' } })).body;
    expect(usage[0]).toMatchObject({ method: 'read', fields: ['Number', 'Family', 'Given', 'Sex', 'Born'] });
  });

  it('are found by what the mapping maps, with prefixes and parts of dates', async () => {
    expect(await found({ identifier: 'N4' })).toEqual(['N4']);
    expect(await found({ identifier: 'urn:other|N4' })).toEqual([]);
    expect(await found({ family: 'mor' })).toEqual(['N1', 'N2', 'N3']);
    expect(await found({ family: 'mor', given: 'an' })).toEqual(['N1', 'N3']);
    expect(await found({ name: 'an' })).toEqual(['N1', 'N3']);
    expect(await found({ family: '%' })).toEqual([]);
    expect(await found({ gender: 'male' })).toEqual(['N2', 'N4', 'N5']);
    expect(await found({ birthdate: ['1990-05-20'] })).toEqual(['N1', 'N3']);
    expect(await found({ birthdate: ['1990'] })).toEqual(['N1', 'N3']);
    expect(await found({ birthdate: ['ge1990-06', 'lt2015'] })).toEqual(['N6']);
    expect(await found({ birthdate: ['gt2001-06'] })).toEqual(['N2']);
    expect(await found({ birthdate: ['le1971-12-31'] })).toEqual(['N4', 'N5']);
    expect(await found({ birthdate: ['ne1971'], gender: 'male' })).toEqual(['N2']);
    expect(await found({ _lastUpdated: ['gt2999-01-01'] })).toEqual([]);
    expect(await found({ _lastUpdated: ['ge2020'] })).toHaveLength(6);
    const body = { family: 'moreau' };
    const form = await agency.node.mediator.exchange({
      client: agencyId,
      service: `${agencyId}/fhir-r4-v1`,
      method: 'POST',
      path: '/patients/Patient/_search',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams(body).toString(),
    });
    expect(numbers(JSON.parse(form.body.toString('utf8'))).sort()).toEqual(['N1', 'N2']);
  });

  it('come by pages, each once; links say nothing about people', async () => {
    const seen: unknown[] = [];
    let page = await search({ family: 'm', _count: 2 });
    for (;;) {
      expect(page.total).toBe(3);
      seen.push(...numbers(page));
      const next = page.link.find(({ relation }) => relation === 'next')?.url;
      expect(JSON.stringify(page.link)).not.toContain('family');
      if (next === undefined) break;
      page = await search({ _page: new URLSearchParams(next.slice(next.indexOf('?'))).get('_page') });
    }
    expect(seen.sort()).toEqual(['N1', 'N2', 'N3']);
    expect((await refusal(search({ _page: 'bm9uc2Vuc2U' }))).status).toBe(400);
  });

  it('are refused with an OperationOutcome that names the reason', async () => {
    const refused = await refusal(fhir.readPatient({ params: { ...params, id: 'nobody' }, headers: {} }));
    expect(refused.status).toBe(404);
    expect(refused.responseBody).toMatchObject({
      resourceType: 'OperationOutcome',
      issue: [{ severity: 'error', code: 'not-found' }],
    });
    for (const query of [
      { telecom: 'x' },
      { birthdate: ['yesterday'] },
      { birthdate: ['2001-02-31T'] },
      { _count: 0 },
      { 'name:exact': 'x' },
    ])
      expect((await refusal(search(query))).status, JSON.stringify(query)).toBe(400);
    const stranger = clientAs('TEST/GOV/MSP/other');
    expect((await refusal(stranger.searchPatients({ params, query: {}, headers: {} }))).status).toBe(404);
  });

  it('tell what can be asked of them', async () => {
    const { body } = await fhir.capabilities({ params });
    expect(body).toMatchObject({
      resourceType: 'CapabilityStatement',
      fhirVersion: '4.0.1',
      kind: 'instance',
    });
    const [rest] = body.rest as { resource: { type: string; searchParam: { name: string }[] }[] }[];
    expect(rest?.resource.map(({ type }) => type)).toEqual(['Patient', 'RelatedPerson']);
    expect(rest?.resource[0]?.searchParam.map(({ name }) => name)).toEqual([
      '_id',
      '_lastUpdated',
      'identifier',
      'name',
      'family',
      'given',
      'birthdate',
      'gender',
    ]);
  });
});

describe('$match', () => {
  const match = async (patient: object, more: object[] = []) => {
    const parameter = [{ name: 'resource', resource: { resourceType: 'Patient', ...patient } }, ...more];
    const body = { resourceType: 'Parameters' as const, parameter: parameter as never };
    const bundle = (await fhir.matchPatients({ params, headers: {}, body })).body as unknown as Bundle;
    return bundle.entry.map(({ resource, search: { extension } }) => [
      (resource.identifier as { value: string }[])[0]?.value,
      extension[0]?.valueCode,
    ]);
  };
  const certain = { name: 'onlyCertainMatches', valueBoolean: true };
  const name = (family: string, given: string) => [{ family, given: [given] }];

  it('grades who may be meant: by identifier, by name as it sounds, by birth date', async () => {
    expect(await match({ identifier: [{ system: nin, value: 'N4' }] })).toEqual([['N4', 'certain']]);
    expect(await match({ name: name('Ozturk', 'Di'), birthDate: '2001-06-01', gender: 'female' })).toEqual([
      ['N6', 'certain'],
    ]);
    const alike = await match({ name: name('Moreau', 'Ana'), birthDate: '1990-05-20', gender: 'female' });
    expect(alike[0]).toEqual(['N1', 'certain']);
    expect(alike.slice(1)).toEqual([['N3', 'probable']]);
    expect(
      await match({ name: name('Moreau', 'Ana'), birthDate: '1990-05-20', gender: 'female' }, [certain]),
    ).toEqual([['N1', 'certain']]);
    // Day and month changed about.
    expect(await match({ name: name('Moreau', 'Bo'), birthDate: '2015-03-02', gender: 'male' })).toEqual([
      ['N2', 'probable'],
    ]);
    expect(
      await match({ name: name('Moreau', 'Bo'), birthDate: '2015-03-02', gender: 'male' }, [certain]),
    ).toEqual([]);
    expect(await match({ name: name('Nobody', 'No'), birthDate: '1930-01-01' })).toEqual([]);
    // A birth date alone makes nobody certain.
    expect(await match({ birthDate: '2001-06-01' })).toEqual([]);
    expect(await match({ identifier: [{ value: 'N4' }] }, [{ name: 'count', valueInteger: 1 }])).toEqual([
      ['N4', 'certain'],
    ]);
    expect((await refusal(match({ gender: 'male' }))).status).toBe(400);
  });
});

describe('a mother', () => {
  it('is a RelatedPerson of her child', async () => {
    const [child] = (await search({ identifier: 'N2' })).entry;
    const id = child?.resource.id as string;
    const { body } = await fhir.readRelatedPerson({ params: { ...params, id }, headers: {} });
    expect(body).toMatchObject({
      resourceType: 'RelatedPerson',
      id,
      identifier: [{ system: nin, value: 'N1' }],
      patient: { reference: `Patient/${id}` },
      relationship: [{ coding: [{ code: 'MTH' }] }],
    });
    const sought = async (query: object) =>
      ((await fhir.searchRelatedPersons({ params, query, headers: {} })).body as unknown as Bundle).entry.map(
        ({ resource }) => resource.id,
      );
    expect(await sought({ patient: `Patient/${id}` })).toEqual([id]);
    expect(await sought({ identifier: `${nin}|N1` })).toEqual([id]);
    expect(await sought({ identifier: 'urn:other|N1' })).toEqual([]);
    expect((await refusal(sought({}))).status).toBe(400);
    const [adult] = (await search({ identifier: 'N1' })).entry;
    expect(
      (
        await refusal(
          fhir.readRelatedPerson({ params: { ...params, id: adult?.resource.id as string }, headers: {} }),
        )
      ).status,
    ).toBe(404);
  });
});
