import { newId } from '@govstack/platform';
import { type Kysely, sql } from 'kysely';
import type { Reader } from '../../access/access.ts';
import type { SubjectHash } from '../../history/read-log.ts';
import { itself } from '../../history/schema-log.ts';
import { createRecords } from '../../records/write.ts';
import type { Catalogue } from '../../schema/catalogue.ts';
import { modifyRegistry } from '../../schema/publish.ts';
import { tableRef } from '../../schema/table.ts';
import type { RegistryTables } from '../../tables.ts';

/** The version under which the suite addresses its registries. */
const version = '111';
const text = { type: 'string', maxLength: 200 };
const schema = {
  type: 'object',
  properties: {
    ID: { ...text, id: 1, owner: true, personal: true },
    FirstName: { ...text, id: 2, personal: true, filterable: true },
    LastName: { ...text, id: 3, personal: true },
    BirthCertificateID: { ...text, id: 4, personal: true },
  },
};

/** Records the suite expects to find: uuid, ID, first and last name, birth certificate. */
const records = [
  ['80bcb084-fa17-11ed-be56-0242ac120002', 'EE123627348834', 'John', 'Bon', 'RR-3334537999'],
  ['80bcb34a-fa17-11ed-be56-0242ac120002', 'EE456627348834', 'Alice', 'Hendrix', 'RR-1114537999'],
  ['80bcb49e-fa17-11ed-be56-0242ac120002', 'EE789627348834', 'Jack', 'King', 'RR-4444537999'],
  ['80bcb5b6-fa17-11ed-be56-0242ac120002', 'EE987627348834', 'Bob', 'Small', 'RR-5555537999'],
  ['80bcb6ec-fa17-11ed-be56-0242ac120002', 'EE654627348834', 'Eva', 'Sorenz', 'RR-7777537999'],
  ['80bcc15a-fa17-11ed-be56-0242ac120002', 'EE6546273487865', 'Emma', 'Smith', 'RR-7777536299'],
  ['80bcc268-fa17-11ed-be56-0242ac120002', 'EE6546273487865', 'Tobias', 'Smith', 'RR-4419523937'],
  ['80bcc376-fa17-11ed-be56-0242ac120002', 'EE378129127223', 'Billy', 'Johnson', 'RR-1112223331'],
  ['80bcc47a-fa17-11ed-be56-0242ac120002', 'EE334569121212', 'John', 'Smith', 'RR-1234567890'],
  ['80bcc57e-fa17-11ed-be56-0242ac120002', 'EE390029120500', 'Ana', 'Adams', 'RR-0987654321'],
  ['80bcb084-fa17-11ed-be56-0242ac120003', 'EE378129277266', 'John', 'Bon', 'RR-3334537999'],
  ['01fbf75d-43bb-4ee8-9f49-f85d26361e2e', 'EE3784545277266', 'Philip', 'Red', 'RR-30045370099'],
  ['38aabe75-a1e5-4bba-9b40-5207be85b8d2', 'EE34462734834865', 'Alex', 'Green', 'RR-441124937'],
  ['29448e66-84cb-4d80-998f-267cda61e210', 'EE61287673487865', 'Alise', 'Black', 'RR-49075937'],
  ['e32a07b4-f4f1-4631-bfd9-514e320e7128', 'EE6534523487865', 'Zyra', 'Blue', 'RR-24523937'],
  ['4784f9c5-c5d7-40ce-9e19-88c1a1a8a890', 'EE65346467865', 'Alina', 'Soft', 'RR-24521537'],
  ['0708b733-a2f5-4ec5-8a7d-d79c71de2fbb', 'EE65989865', 'Casandra', 'Flu', 'RR-20021537'],
  ['ea55fda3-35b7-49dd-87fc-c742fa31e0b2', 'EE6387665', 'Olga', 'Bread', 'RR-200215677'],
  ['ef6d09ee-a2ed-49ad-8d6f-44f434a620f2', 'EE1112223331', 'Billy', 'Johnson', 'RR-1112223331'],
  ['80bcb804-fa17-11ed-be56-0242ac120002', 'EE378627348834', 'John', 'Corn', 'RR-0987000321'],
  ['80bcbc46-fa17-11ed-be56-0242ac120002', 'EE378627348855', 'John', 'Snow', 'RR-0900654321'],
  ['80bcbe62-fa17-11ed-be56-0242ac120002', 'RR378627348834', 'John', 'Great', 'RR-0987654300'],
  ['80bcc02e-fa17-11ed-be56-0242ac120002', 'DD378627348834', 'John', 'Kane', 'RR-0008765401'],
  // Asked for by the suite and missing in its own data.
  ['6f0c2d2e-9d4b-4c0e-8f8e-0b5b1c1f4a01', 'EE378627348835', 'John Helmut', 'Smith Carry', 'RR-1234567889'],
  ['6f0c2d2e-9d4b-4c0e-8f8e-0b5b1c1f4a02', 'EE378129127224', 'Eva', 'Smith', 'EE6546273487865'],
] as const;

/** Registries the suite asks for by number. */
const numbered = ['1', '123', '8438778473', '3287483474', '8484848484', '75858', '6745', '896756', '234234'];

const mother = {
  type: 'object',
  properties: {
    ID: {
      type: 'string',
      id: 1,
      primaryKey: true,
      readOnly: true,
      triggers: [
        {
          conditions: [{ logic: '==', value: '', gate: '&&' }],
          actions: [{ type: 'set-value', value: 'MCTS{indexNoByCode}', field_id: 1 }],
        },
      ],
    },
    Child: { type: 'object', id: 13, properties: { ID: { type: 'string' } } },
  },
  required: ['ID'],
};

/** Makes the registries and records that the official suite expects; those that are there stay as they are. */
export async function seedSuite(
  db: Kysely<RegistryTables>,
  catalogue: Catalogue,
  hash: SubjectHash,
  owner: string,
): Promise<void> {
  const by = itself(owner, 'seed');
  const options = { accept: false, by, lenient: false };
  const make = (code: string, of: unknown) =>
    modifyRegistry(
      db,
      owner,
      code,
      { details: { name: code, groupName: 'Suite' }, schema: of, by, lenient: false },
      options,
    );
  const seeded = await db.selectFrom('registry').select('id').where('code', '=', 'registryname').execute();
  if (seeded.length > 0) return;
  for (const id of numbered) {
    const code = id === '1' ? 'mcts' : `mcts-${id}`;
    await sql`
      insert into registry (id, owner, code, name, group_name, announce, next_field_id, state)
      overriding system value
      values (${id}::bigint, ${owner}, ${code}, 'MCTS', 'Mother and Child', false, 1, 'draft')`.execute(db);
    await make(code, mother);
  }
  await sql`select setval(pg_get_serial_sequence('registry', 'id'), 100)`.execute(db);
  for (const code of ['registryname', 'registryempty']) await make(code, schema);
  await sql`
    update registry_version v
    set version = ${version}
    from registry r
    where r.id = v.registry_id and r.code in ('registryname', 'registryempty')`.execute(db);
  catalogue.forget(owner, 'registryname');
  const { registry } = await catalogue.find(owner, 'registryname', version);
  const reader: Reader = {
    caller: {
      application: owner,
      service: `${owner}/registry-data-v1`,
      operator: undefined,
      exchangeId: newId(),
    },
    person: undefined,
    ground: { purpose: undefined, consentReference: undefined, legalGround: undefined },
  };
  await db.transaction().execute(async (trx) => {
    const made = await createRecords(
      trx,
      { registry, fields: registry.fields, rows: undefined, foreign: false },
      reader,
      records.map(([, ID, FirstName, LastName, BirthCertificateID]) => ({
        ID,
        FirstName,
        LastName,
        BirthCertificateID,
      })),
    );
    for (const [index, { uuid }] of made.entries())
      await sql`
        update ${tableRef(registry.id)}
        set uuid = ${records[index]?.[0]}::uuid
        where uuid = ${uuid}::uuid`.execute(trx);
    await trx
      .insertInto('read_log')
      .values({
        id: newId(),
        registry_id: '1',
        records: [],
        subjects: ['EE378129277266', 'EE378129127223', 'EE334569121212', 'EE390029120500'].map(hash),
        fields: ['ID'],
        method: 'read',
        application: 'eGovStack/GOV/70049837/back-office',
        operator: null,
        person: 'EE37819285773',
        purpose: 'MCTS31',
        consent_reference: null,
        legal_ground: null,
        exchange_id: newId(),
        correlation_id: 'seed',
        at: new Date().toISOString(),
      })
      .execute();
  });
}
