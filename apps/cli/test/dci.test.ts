import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { generateHouseholds } from '@govstack/country';
import {
  applications,
  loadRecords,
  seedDirectory,
  seedMappings,
  seedRegisters,
} from '@govstack/country/seed';
import { dciApi, fhirApi, registryDatabase, registryMappings } from '@govstack/digital-registries/api';
import { newId } from '@govstack/platform';
import { startTestNode, type TestNode } from '@govstack/platform/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lumoraBlocks } from '../src/stack/lumora-node.ts';

const households = [...generateHouseholds({ count: 40 })];
/** What the registries of the country need of it: the mediator, with the rights, and who verifies consents. */
const needed = ['information-mediator', 'consent', 'digital-registries'];
const as = (application: string) => node.mediation(application);
let node: TestNode;
beforeAll(async () => {
  const options = { publicUrl: 'http://localhost:1', smtpUrl: '', smsApiKey: '', demonstration: false };
  node = await startTestNode({
    blocks: lumoraBlocks(options).filter(({ block }) => needed.includes(block.name)),
  });
  await seedDirectory(as, {});
  await seedRegisters(as);
  await seedMappings(as);
  await loadRecords(as, households, 'test');
  const owner = applications.socialRegistries;
  const file = join(import.meta.dirname, '../../../services/cash-transfer/registries.json');
  const { registries, mappings } = JSON.parse(readFileSync(file, 'utf8')) as {
    registries: { code: string; name: string; group: string; schema: unknown }[];
    mappings: Record<string, never>;
  };
  const database = as(owner).client(registryDatabase, `${owner}/registry-database-v1`);
  for (const { code, name, group, schema } of registries)
    await database.modifyRegistry({ body: { groupName: group, catalogName: name, code, schema } });
  const offers = as(owner).client(registryMappings, `${owner}/registry-mappings-v1`);
  for (const [mapping, body] of Object.entries(mappings)) {
    const verdict = await offers.putMapping({ params: { mapping }, body });
    expect(verdict.body.warnings).toEqual([]);
  }
}, 400_000);
afterAll(() => node?.stop());

const header = () => ({
  version: '1.0.0',
  message_id: newId(),
  message_ts: new Date().toISOString(),
  action: 'search',
  sender_id: 'spmis.msp.lumora.example',
  total_count: 1,
});
/** The ministry's client, through the mediator with its rights and its log. */
const client = (owner: string) => as(applications.socialProtection).client(dciApi, `${owner}/dci-v1`);
async function search(owner: string, mapping: string, query_type: string, query: unknown, rest: object = {}) {
  const message = {
    transaction_id: newId(),
    search_request: [
      {
        reference_id: newId(),
        timestamp: new Date().toISOString(),
        search_criteria: { query_type, query, pagination: { page_size: 100 }, ...rest },
      },
    ],
  };
  const body = { header: header(), message };
  const answer = await client(owner).searchNow({ params: { mapping }, headers: {}, body });
  return answer.body.message.search_response[0];
}

describe('the ministry’s DCI client', () => {
  it('asks the farmer, disability, beneficiary, social and civil registers of Lumora without code of theirs', async () => {
    const farms = households.flatMap((household) => household.farms);
    const large = farms.filter(({ farmSize }) => farmSize >= 1);
    const predicate = [
      { expression1: { attribute_name: 'farm_size', operator: 'ge', attribute_value: '1' } },
    ];
    const found = await search(applications.farmerRegistry, 'fr', 'predicate', predicate);
    expect(found).toMatchObject({ status: 'succ', pagination: { total_count: large.length } });
    expect(large.length).toBeGreaterThan(0);
    expect(found?.data).toMatchObject({ reg_type: 'ns:org:RegistryType:FR', reg_record_type: 'Farmer' });

    const [disabled] = households
      .flatMap(({ disabilities }) => disabilities)
      .filter(({ status }) => status === 'approved');
    const ask = (value: string) =>
      client(applications.disabilityRegistry).disabled({
        params: { mapping: 'dr' },
        headers: {},
        body: {
          header: header(),
          message: {
            transaction_id: newId(),
            disabled_criteria: {
              query_type: 'expression',
              query: { 'member.member_identifier': { eq: value } },
            },
          },
        },
      });
    const status = async (value: string) =>
      (await ask(value)).body.message.disabled_response[0]?.disabled_status;
    expect(await status(disabled?.nationalNumber as string)).toBe('yes');
    expect(await status('nobody')).toBe('no');

    for (const mapping of ['social', 'ibr']) {
      const result = await search(applications.socialRegistries, mapping, 'idtype-value', {
        type: 'UIN',
        value: 'nobody',
      });
      expect(result).toMatchObject({ status: 'succ', data: { reg_records: [] } });
    }
    // The civil register is read under consent, which the consent block knows nothing of here.
    const uin = { type: 'UIN', value: households[0]?.civil[0]?.nationalNumber };
    const civil = (rest: object) => search(applications.civilRegistry, 'crvs', 'idtype-value', uin, rest);
    expect((await civil({}))?.status_reason_code).toBe('rjct.search_criteria.invalid');
    expect((await civil({ consent: { '@id': newId() } }))?.status_reason_message).toMatch(
      /consent is not in force/,
    );
  });

  it('has its match in FHIR: the civil register tells children and their mothers', async () => {
    const child = households.flatMap(({ civil }) => civil).find((record) => record.motherNationalNumber);
    const { civilRegistry } = applications;
    const fhir = as(civilRegistry).client(fhirApi, `${civilRegistry}/fhir-r4-v1`);
    const params = { mapping: 'crvs' };
    const query = { identifier: `urn:lumora:national-number|${child?.nationalNumber}` };
    const { body } = await fhir.searchPatients({ params, headers: {}, query });
    const [entry] = body.entry as { resource: { id: string; birthDate: string } }[];
    expect(entry?.resource.birthDate).toBe(child?.birthDate);
    const mother = await fhir.readRelatedPerson({
      params: { ...params, id: entry?.resource.id as string },
      headers: {},
    });
    expect(mother.body.identifier).toEqual([
      { system: 'urn:lumora:national-number', value: child?.motherNationalNumber },
    ]);
  });
});
