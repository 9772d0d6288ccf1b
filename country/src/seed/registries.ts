import { registryAutomation, registryData, registryDatabase } from '@govstack/digital-registries/api';
import { CallFailed } from '@govstack/platform';
import type { Household } from '../population/household.ts';
import { type As, applications } from './directory.ts';

const text = (extra: object = {}) => ({ type: 'string', maxLength: 200, ...extra });
const personal = { personal: true };

/** The registries of the agencies whose records others ask for: of three of them under the person's consent, of two over DCI. */
const registers = [
  {
    owner: applications.civilRegistry,
    code: 'persons',
    name: 'Civil register',
    schema: {
      type: 'object',
      'x-requires': 'consent',
      required: ['nationalNumber', 'givenName', 'familyName', 'birthDate', 'vitalStatus'],
      properties: {
        nationalNumber: text({ id: 1, unique: true, owner: true, readOnly: true, ...personal }),
        birthRegistration: text({ id: 2 }),
        givenName: text({ id: 3, ...personal }),
        familyName: text({ id: 4, ...personal }),
        sex: { type: 'string', id: 5, enum: ['female', 'male'], ...personal },
        birthDate: { type: 'string', format: 'date', id: 6, ...personal },
        birthDistrict: text({ id: 7 }),
        maritalStatus: text({ id: 8, ...personal }),
        spouseNationalNumber: text({ id: 9, ...personal }),
        vitalStatus: { type: 'string', id: 10, enum: ['alive', 'deceased'], ...personal },
        deathDate: { type: 'string', format: 'date', id: 11, ...personal },
        motherNationalNumber: text({ id: 12, filterable: true, ...personal }),
      },
    },
    rows: (household: Household) => household.civil,
  },
  {
    // What is made here is announced, without saying whose death it is; who is told may read it by law.
    owner: applications.civilRegistry,
    code: 'deaths',
    name: 'Register of deaths',
    schema: {
      type: 'object',
      'x-requires': 'legal-ground',
      'x-announce': true,
      required: ['deathRegistration', 'nationalNumber', 'deathDate'],
      properties: {
        deathRegistration: text({ id: 1, unique: true, readOnly: true }),
        nationalNumber: text({ id: 2, unique: true, owner: true, readOnly: true, ...personal }),
        deathDate: { type: 'string', format: 'date', id: 3, ...personal },
        deathPlace: text({ id: 4 }),
        informant: text({ id: 5, ...personal }),
      },
    },
    rows: () => [],
  },
  {
    owner: applications.landRegistry,
    code: 'parcels',
    name: 'Land register',
    schema: {
      type: 'object',
      'x-requires': 'consent',
      required: ['parcelNumber', 'ownerNationalNumber', 'hectares'],
      properties: {
        parcelNumber: text({ id: 1, unique: true, readOnly: true }),
        ownerNationalNumber: text({ id: 2, owner: true, ...personal }),
        district: text({ id: 3 }),
        hectares: { type: 'number', id: 4, minimum: 0, ...personal },
        use: { type: 'string', id: 5, enum: ['crops', 'pasture', 'building'] },
      },
    },
    rows: (household: Household) => household.land,
  },
  {
    owner: applications.taxRegistry,
    code: 'taxpayers',
    name: 'Register of taxpayers',
    schema: {
      type: 'object',
      'x-requires': 'consent',
      required: ['taxpayerNumber', 'nationalNumber', 'taxYear', 'declaredAnnualIncome'],
      properties: {
        taxpayerNumber: text({ id: 1, unique: true, readOnly: true }),
        nationalNumber: text({ id: 2, unique: true, owner: true, ...personal }),
        taxYear: { type: 'integer', id: 3 },
        declaredAnnualIncome: { type: 'string', id: 4, pattern: '^[0-9]+\\.[0-9]{2}$', ...personal },
        employer: text({ id: 5 }),
      },
    },
    rows: (household: Household) => household.tax,
  },
  {
    owner: applications.farmerRegistry,
    code: 'farmers',
    name: 'Register of farmers',
    schema: {
      type: 'object',
      required: ['farmerNumber', 'nationalNumber', 'farmSize'],
      properties: {
        farmerNumber: text({ id: 1, unique: true, readOnly: true }),
        nationalNumber: text({ id: 2, unique: true, owner: true, ...personal }),
        givenName: text({ id: 3, ...personal }),
        familyName: text({ id: 4, ...personal }),
        sex: { type: 'string', id: 5, enum: ['female', 'male'], ...personal },
        birthDate: { type: 'string', format: 'date', id: 6, ...personal },
        district: text({ id: 7, filterable: true }),
        village: text({ id: 8 }),
        farmSize: { type: 'number', id: 9, minimum: 0, filterable: true },
        mainCrop: { type: 'string', id: 10, enum: ['maize', 'rice', 'sorghum', 'vegetables', 'coffee'] },
        irrigation: { type: 'string', id: 11, enum: ['none', 'canal', 'drip'] },
        livestockUnits: { type: 'number', id: 12, minimum: 0 },
        registeredOn: { type: 'string', format: 'date', id: 13 },
      },
    },
    rows: (household: Household) => household.farms,
  },
  {
    owner: applications.disabilityRegistry,
    code: 'disabilities',
    name: 'Register of disabilities',
    schema: {
      type: 'object',
      required: ['disabilityNumber', 'nationalNumber', 'impairment', 'status'],
      properties: {
        disabilityNumber: text({ id: 1, unique: true, readOnly: true }),
        nationalNumber: text({ id: 2, unique: true, owner: true, ...personal }),
        givenName: text({ id: 3, ...personal }),
        familyName: text({ id: 4, ...personal }),
        sex: { type: 'string', id: 5, enum: ['female', 'male'], ...personal },
        birthDate: { type: 'string', format: 'date', id: 6, ...personal },
        district: text({ id: 7, filterable: true }),
        impairment: text({ id: 8, ...personal }),
        severity: { type: 'string', id: 9, enum: ['some', 'severe', 'total'], ...personal },
        assistance: text({ id: 10, ...personal }),
        device: text({ id: 11, ...personal }),
        status: { type: 'string', id: 12, enum: ['approved', 'under-review'], filterable: true },
        registeredOn: { type: 'string', format: 'date', id: 13 },
      },
    },
    rows: (household: Household) => household.disabilities,
  },
] as const;

/** Makes the registries of the agencies; repeating it changes nothing. */
export async function seedRegisters(as: As): Promise<void> {
  for (const { owner, code, name, schema } of registers) {
    const database = as(owner).client(registryDatabase, `${owner}/registry-database-v1`);
    await database.modifyRegistry({ body: { groupName: 'Lumora', catalogName: name, code, schema } });
  }
}

/** A death that is registered becomes part of the person's entry in the civil register. Repeating it changes nothing. */
export async function seedAutomations(as: As): Promise<void> {
  const owner = applications.civilRegistry;
  const automations = as(owner).client(registryAutomation, `${owner}/registry-automation-v1`);
  await automations.putAutomation({
    params: { code: 'deaths-to-persons' },
    body: {
      definition: {
        name: 'Registered deaths are entered with the person',
        source: 'deaths',
        when: { on: ['create'] },
        targets: [
          {
            registry: 'persons',
            action: 'update',
            match: ['nationalNumber'],
            input: [
              { to: 'nationalNumber', value: { field: 'nationalNumber' } },
              { to: 'vitalStatus', value: { constant: 'deceased' } },
              { to: 'deathDate', value: { field: 'deathDate' } },
            ],
          },
        ],
      },
    },
  });
}

const batchSize = 500;

/**
 * Loads the records of households into the registers. Each batch carries a key made from what it holds, so that an
 * interrupted load can be begun again. Answers how many records are there.
 */
export async function loadRecords(
  as: As,
  households: Iterable<Household>,
  population: string,
  progress: (records: number) => void = () => undefined,
): Promise<number> {
  let records = 0;
  const waiting = registers.map((register) => ({ register, rows: [] as object[], batch: 0 }));
  const flush = async (one: (typeof waiting)[number]): Promise<void> => {
    if (one.rows.length === 0) return;
    const { owner, code } = one.register;
    const data = as(owner).client(registryData, `${owner}/registry-data-v1`);
    const write = one.rows.map((content) => ({ content: content as Record<string, unknown> }));
    try {
      await data.createRecords({
        params: { registryName: code, versionNumber: 'latest' },
        body: { write },
        idempotencyKey: `population/${population}/${code}/${one.batch}`,
      });
    } catch (error) {
      // An earlier release loaded them, and knew less about them.
      if (!(error instanceof CallFailed) || error.status !== 422) throw error;
    }
    records += write.length;
    one.rows = [];
    one.batch += 1;
    progress(records);
  };
  for (const household of households) {
    for (const one of waiting) {
      for (const row of one.register.rows(household)) {
        one.rows.push(JSON.parse(JSON.stringify(row)));
        if (one.rows.length === batchSize) await flush(one);
      }
    }
  }
  for (const one of waiting) await flush(one);
  return records;
}
