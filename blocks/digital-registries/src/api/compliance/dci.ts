import { type Caller, newId, Problem, transaction } from '@govstack/platform';
import { defineSurface } from '@govstack/platform/operation';
import type { Dci } from '../../dci/dci.ts';
import { putSender } from '../../dci/senders.ts';
import { itself } from '../../history/schema-log.ts';
import { putMapping } from '../../mapping/store.ts';
import { createRecords } from '../../records/write.ts';
import { modifyRegistry } from '../../schema/publish.ts';
import { dciErrors } from '../dci/errors.ts';
import type { CallerOf } from '../dci/handlers.ts';
import { dciOperations } from '../dci/operations.ts';
import type { Mapping } from '../mappings/document.ts';

/** DCI without the mediator, as the public compliance kit calls it: who has the seeded token is the seeded sender. */
export const dciSuite = defineSurface({
  name: 'dci-compliance',
  title: 'Registries as the public DCI compliance kit addresses them',
  version: '1.0.0',
  compliance: true,
  errorShape: dciErrors,
  operations: dciOperations({ caller: 'public' }),
});

/** Bearer token the kit is started with (`DCI_AUTH_TOKEN`). */
const token = 'dci-compliance';

const callerAs = (owner: string): Caller => ({
  application: owner,
  service: `${owner}/dci-v1`,
  operator: undefined,
  exchangeId: newId(),
});

export const suiteCaller =
  (owner: string): CallerOf =>
  ({ headers }) => {
    if (headers.authorization !== `Bearer ${token}`) throw new Problem(401, 'The access token is not valid');
    return callerAs(owner);
  };

const text = (id: number) => ({ type: 'string', id, maxLength: 200, filterable: true });
const number = (id: number) => ({ type: 'number', id, filterable: true });
const date = (id: number) => ({ type: 'string', format: 'date', id, filterable: true });
const key = { ...text(1), unique: true, personal: true, owner: true };

interface Kind {
  readonly properties: Readonly<Record<string, object>>;
  readonly mapping: Pick<Mapping, 'identifiers' | 'recordTypes' | 'defaultRecordType' | 'regType' | 'events'>;
  readonly record: Readonly<Record<string, unknown>>;
}

const template = (type: string) => ({
  '@type': type,
  identifier: { identifier_type: type, identifier_value: '$(id)' },
});
const types = (...names: string[]) => Object.fromEntries(names.map((name) => [name, template(name)]));
const events = [
  { type: 'REGISTER', on: ['create' as const] },
  { type: 'UPDATE', on: ['update' as const] },
  { type: 'BIRTH', on: ['create' as const] },
];

/** The registries the kit asks: social (also what its shared scenarios ask), farmers, civil. */
const kinds: Readonly<Record<string, Kind>> = {
  social: {
    properties: {
      id: key,
      age: number(2),
      poverty_score: number(3),
      location: text(4),
      group_size: number(5),
    },
    mapping: {
      regType: 'ns:org:RegistryType:Social',
      identifiers: { UIN: 'id' },
      recordTypes: types('Member', 'Group'),
      defaultRecordType: 'Member',
    },
    record: { id: 'TEST-001', age: 20, poverty_score: 2, location: 'central_region', group_size: 4 },
  },
  fr: {
    properties: { id: key, farm_size: number(2), crop_type: text(3), irrigation_type: text(4) },
    mapping: {
      regType: 'ns:org:RegistryType:FR',
      identifiers: { FARMER_ID: 'id', UIN: 'id' },
      recordTypes: types('Farmer', 'Member'),
      defaultRecordType: 'Farmer',
    },
    record: { id: 'FARMER-TEST-001', farm_size: 12, crop_type: 'maize', irrigation_type: 'drip' },
  },
  crvs: {
    properties: {
      id: key,
      date_of_birth: date(2),
      place_of_birth: text(3),
      registration_date: date(4),
      gender: text(5),
    },
    mapping: {
      regType: 'ns:org:RegistryType:CRVS',
      identifiers: { BIRTH_REG_NO: 'id', UIN: 'id' },
      recordTypes: types('Person', 'Member'),
      defaultRecordType: 'Person',
    },
    record: {
      id: 'BIRTH-TEST-001',
      date_of_birth: '2001-02-03',
      place_of_birth: 'central_hospital',
      registration_date: '2021-02-03',
      gender: 'male',
    },
  },
};

/** Where the kit listens for callbacks (`CALLBACK_SERVER_PORT`). */
const callbacks = ['http://127.0.0.1:3336', 'http://localhost:3336'];

/** Makes the registries, mappings and the sender that the kit expects; those that are there stay as they are. */
export async function seedDciSuite(
  { db, catalogue }: Pick<Dci, 'db' | 'catalogue'>,
  owner: string,
): Promise<void> {
  const by = itself(owner, 'suite');
  for (const [name, { properties, mapping, record }] of Object.entries(kinds)) {
    const code = `dci-${name}`;
    const known = await db
      .selectFrom('registry')
      .select('id')
      .where('owner', '=', owner)
      .where('code', '=', code)
      .executeTakeFirst();
    if (known) continue;
    const schema = { type: 'object', required: ['id'], properties };
    const details = { name: code, groupName: 'DCI' };
    await modifyRegistry(
      db,
      owner,
      code,
      { details, schema, by, lenient: false },
      { accept: false, by, lenient: false },
    );
    catalogue.forget(owner, code);
    const { registry } = await catalogue.find(owner, code, 'latest');
    const granted = { registry, fields: registry.fields, rows: undefined, foreign: false };
    const ground = { purpose: undefined, consentReference: undefined, legalGround: undefined };
    const reader = { caller: callerAs(owner), person: undefined, ground };
    await transaction(db, (trx) => createRecords(trx, granted, reader, [record]));
    const attributes = Object.fromEntries(Object.keys(properties).map((field) => [field, field]));
    await putMapping(db, catalogue, owner, name, { registry: code, attributes, events, ...mapping }, by.name);
  }
  const sender = {
    application: owner,
    signature: 'waived' as const,
    keys: [],
    callbacks,
    callbackService: null,
  };
  await putSender(db, owner, { senderId: 'test-client', ...sender }, by.name);
}
