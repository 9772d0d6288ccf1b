import { registryDatabase, registryMappings } from '@govstack/digital-registries/api';
import { type As, applications } from './directory.ts';

const identifier = (type: string, attribute: string) => ({
  '@type': 'Identifier',
  identifier_type: type,
  identifier_value: `$(${attribute})`,
});
const sex = { field: 'sex', values: { female: 'female', male: 'male' } };
const nationalNumber = 'urn:lumora:national-number';

/** What people are called in every registry. */
const person = {
  UIN: 'nationalNumber',
  given_name: 'givenName',
  surname: 'familyName',
  sex,
  birth_date: 'birthDate',
  age: { field: 'birthDate', as: 'age' as const },
  district: 'district',
};
const name = { '@type': 'Name', surname: '$(surname)', given_name: '$(given_name)' };
const demographicInfo = {
  '@type': 'Person',
  identifier: [identifier('UIN', 'UIN')],
  name,
  sex: '$(sex)',
  birth_date: '$(birth_date)',
};
const register = [
  { type: 'REGISTER', on: ['create' as const] },
  { type: 'UPDATE', on: ['update' as const] },
];

const { district: _, ...civilPerson } = person;
const civil = {
  registry: 'persons',
  regType: 'ns:org:RegistryType:CRVS',
  attributes: {
    ...civilPerson,
    birth_registration: 'birthRegistration',
    birth_place: 'birthDistrict',
    marital_status: 'maritalStatus',
    spouse: 'spouseNationalNumber',
    mother: 'motherNationalNumber',
    vital_status: 'vitalStatus',
    death_date: 'deathDate',
  },
  identifiers: { UIN: 'UIN' },
  recordTypes: {
    Person: {
      '@context': { '@vocab': 'https://schema.spdci.org/extensions/crvs/v1/' },
      '@type': 'Person',
      '@id': 'urn:uuid:$(@uuid)',
      identifier: [identifier('UIN', 'UIN'), identifier('BRN', 'birth_registration')],
      name,
      sex: '$(sex)',
      birth_date: '$(birth_date)',
      birth_place: { '@type': 'Place', address: '$(birth_place)' },
      marital_status: '$(marital_status)',
      death_date: '$(death_date)',
      parent1_identifier: identifier('UIN', 'mother'),
    },
  },
  events: [
    { type: 'BIRTH', on: ['create' as const] },
    { type: 'DEATH', on: ['create' as const, 'update' as const], becomes: { vital_status: 'deceased' } },
    { type: 'UPDATE', on: ['update' as const] },
  ],
  fhir: {
    patient: {
      template: {
        identifier: [{ system: nationalNumber, value: '$(UIN)' }],
        name: [{ family: '$(surname)', given: ['$(given_name)'] }],
        gender: '$(sex)',
        birthDate: '$(birth_date)',
        deceasedDateTime: '$(death_date)',
      },
      identifiers: { [nationalNumber]: 'UIN' },
      search: { family: 'surname', given: 'given_name', birthdate: 'birth_date', gender: 'sex' },
    },
    mother: {
      identifier: 'mother',
      system: nationalNumber,
      template: { identifier: [{ system: nationalNumber, value: '$(mother)' }] },
    },
  },
};

const farmers = {
  registry: 'farmers',
  regType: 'ns:org:RegistryType:FR',
  attributes: {
    ...person,
    farmer_id: 'farmerNumber',
    village: 'village',
    farm_size: 'farmSize',
    crop_type: 'mainCrop',
    irrigation_type: 'irrigation',
    livestock: 'livestockUnits',
    registration_date: { field: 'registeredOn', as: 'date-time' as const },
  },
  identifiers: { FARMER_ID: 'farmer_id', UIN: 'UIN' },
  recordTypes: {
    Farmer: {
      '@context': { '@vocab': 'https://schema.spdci.org/extensions/fr/v1/' },
      '@type': 'Farmer',
      '@id': 'urn:uuid:$(@uuid)',
      farmer_personal_details: {
        member_identifier: [identifier('FARMER_ID', 'farmer_id'), identifier('UIN', 'UIN')],
        demographic_info: demographicInfo,
        registration_date: '$(registration_date)',
      },
      farm_details: [
        {
          place: { '@type': 'Place', address: '$(village), $(district)' },
          farm_size: '$(farm_size)',
          crops: [{ crop_type: '$(crop_type)' }],
          irrigation_type: '$(irrigation_type)',
          livestock_units: '$(livestock)',
        },
      ],
    },
  },
  events: register,
};

const disabilities = {
  registry: 'disabilities',
  regType: 'ns:org:RegistryType:DR',
  attributes: {
    ...person,
    disability_id: 'disabilityNumber',
    'member.member_identifier': 'nationalNumber',
    impairment_type: 'impairment',
    impairment_level: 'severity',
    assistance: 'assistance',
    device: 'device',
    disability_status: { field: 'status', values: { approved: 'Approved', 'under-review': 'Pending' } },
    registration_date: { field: 'registeredOn', as: 'date-time' as const },
  },
  identifiers: { UIN: 'UIN', DISABILITY_ID: 'disability_id' },
  recordTypes: {
    DRPerson: {
      '@context': { '@vocab': 'https://schema.spdci.org/extensions/dr/v1/' },
      '@type': 'DRPerson',
      '@id': 'urn:uuid:$(@uuid)',
      member_identifier: [identifier('UIN', 'UIN'), identifier('DISABILITY_ID', 'disability_id')],
      demographic_info: demographicInfo,
      disability_status: '$(disability_status)',
      disability_details: [
        { impairment_type: '$(impairment_type)', impairment_level: '$(impairment_level)' },
      ],
      registration_date: '$(registration_date)',
    },
    DisabilitySupport: [
      {
        human_assistance: { type: '$(impairment_type)', frequency: '$(assistance)' },
        assistive_technology: [{ type: '$(device)' }],
        registration_date: '$(registration_date)',
      },
    ],
  },
  defaultRecordType: 'DRPerson',
  events: register,
  questions: {
    disabled: { where: { disability_status: 'Approved' } },
    details: { recordType: 'DRPerson' },
    support: { recordType: 'DisabilitySupport' },
  },
};

/** Which owner offers what to clients of DCI, under which name. */
const offers = [
  { owner: applications.civilRegistry, mapping: 'crvs', body: civil },
  { owner: applications.farmerRegistry, mapping: 'fr', body: farmers },
  { owner: applications.disabilityRegistry, mapping: 'dr', body: disabilities },
] as const;

/** What the ministry's client sees of the registries of other agencies. */
const granted = [
  { owner: applications.civilRegistry, code: 'persons' },
  { owner: applications.farmerRegistry, code: 'farmers' },
  { owner: applications.disabilityRegistry, code: 'disabilities' },
] as const;

/** `sender_id` of the ministry's client. */
export const senderId = 'spmis.msp.lumora.example';

/** Offers the registries to clients of DCI, of FHIR one; registers the ministry's client. Repeating it changes nothing. */
export async function seedMappings(as: As): Promise<void> {
  for (const { owner, mapping, body } of offers) {
    const mappings = as(owner).client(registryMappings, `${owner}/registry-mappings-v1`);
    await mappings.putMapping({ params: { mapping }, body });
  }
  for (const { owner, code } of granted) {
    const database = as(owner).client(registryDatabase, `${owner}/registry-database-v1`);
    const body = { application: applications.socialProtection, methods: ['list' as const] };
    await database.putAccess({ params: { code }, body });
  }
  for (const owner of [applications.socialRegistries, ...offers.map((one) => one.owner)]) {
    const mappings = as(owner).client(registryMappings, `${owner}/registry-mappings-v1`);
    // It comes through the mediator, which has verified who calls.
    const body = { application: applications.socialProtection, signature: 'waived' as const };
    await mappings.putSender({ params: { senderId }, body });
  }
}
