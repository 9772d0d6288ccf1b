import { createHmac, randomUUID } from 'node:crypto';
import { badRequest, conflict } from '@govstack/platform';
import type { Static } from '@govstack/platform/operation';
import { type Kysely, sql } from 'kysely';
import type { PersonRecord } from '../api/operations.ts';
import { openJson, sealJson } from '../keys/sealed.ts';
import type { IdentityTables } from '../tables.ts';
import { hashPin, verifyPin } from './pin.ts';

export type PersonInput = Static<typeof PersonRecord>;

/** Released claims of a person; lies sealed in the database. */
export type Attributes = PersonInput['attributes'];

export interface Persons {
  /** Enrols or updates persons, found by any alias they share with an earlier enrolment. Answers their ids in order. */
  enrol(persons: readonly PersonInput[]): Promise<string[]>;
  /** The person behind an alias and a PIN; undefined for every reason not to let somebody in. */
  authenticate(identifier: string, pin: string): Promise<string | undefined>;
  find(
    id: string,
  ): Promise<{ attributes: Attributes; roles: string[]; agency: string | undefined } | undefined>;
  personas(): Promise<{ id: string; label: Record<string, string> }[]>;
  isPersona(id: string): Promise<boolean>;
}

const maxFailures = 5;
const lockMinutes = 15;

const normal = (value: string): string => value.normalize('NFKC').replaceAll(/[\s-]/g, '').toLowerCase();

export function openPersons(
  db: Kysely<IdentityTables>,
  keys: { readonly sealing: Buffer; readonly lookup: Buffer },
): Persons {
  const hash = (kind: string, value: string): Buffer =>
    createHmac('sha256', keys.lookup)
      .update(`${kind}:${normal(value)}`)
      .digest();
  // Checked when nobody matches, so that the answer takes as long as for a wrong PIN.
  const decoy = hashPin(randomUUID());

  return {
    async enrol(persons) {
      const verifiers = await Promise.all(
        persons.map((person) => (person.pin === undefined ? undefined : hashPin(person.pin))),
      );
      return db.transaction().execute(async (trx) => {
        const ids: string[] = [];
        for (const [index, person] of persons.entries()) {
          const aliases = Object.entries(person.aliases).flatMap(([kind, value]) =>
            value === undefined ? [] : [{ kind, value_hash: hash(kind, value) }],
          );
          if (aliases.length === 0) throw badRequest('A person needs at least one alias');
          const known = new Set<string>();
          for (const alias of aliases) {
            const row = await trx
              .selectFrom('alias')
              .select('person_id')
              .where('kind', '=', alias.kind)
              .where('value_hash', '=', alias.value_hash)
              .executeTakeFirst();
            if (row) known.add(row.person_id);
          }
          if (known.size > 1) throw conflict('The aliases belong to different persons');
          const id = [...known][0] ?? randomUUID();
          const attributes = sealJson(keys.sealing, person.attributes);
          await trx
            .insertInto('person')
            .values({ id, attributes })
            .onConflict((existing) => existing.constraint('person_pkey').doUpdateSet({ attributes }))
            .execute();
          await trx
            .insertInto('alias')
            .values(aliases.map((alias) => ({ ...alias, person_id: id })))
            .onConflict((existing) => existing.constraint('alias_pkey').doNothing())
            .execute();
          const verifier = verifiers[index];
          if (verifier !== undefined) {
            await trx
              .insertInto('credential')
              .values({ person_id: id, kind: 'pin', verifier })
              .onConflict((existing) =>
                existing
                  .constraint('credential_pkey')
                  .doUpdateSet({ verifier, failures: 0, locked_until: null }),
              )
              .execute();
          }
          await trx.deleteFrom('appointment').where('person_id', '=', id).execute();
          if (person.appointments?.length) {
            await trx
              .insertInto('appointment')
              .values(person.appointments.map((one) => ({ ...one, person_id: id })))
              .execute();
          }
          await trx.deleteFrom('persona').where('person_id', '=', id).execute();
          if (person.persona) {
            await trx
              .insertInto('persona')
              .values({
                person_id: id,
                label: JSON.stringify(person.persona.label),
                position: person.persona.position,
              })
              .execute();
          }
          ids.push(id);
        }
        return ids;
      });
    },

    async authenticate(identifier, pin) {
      const hashes = ['login', 'national-number', 'email', 'phone'].map((kind) => ({
        kind,
        value: hash(kind, identifier),
      }));
      const row = await db
        .selectFrom('alias')
        .innerJoin('person', 'person.id', 'alias.person_id')
        .innerJoin('credential', 'credential.person_id', 'person.id')
        .select(['person.id', 'credential.verifier', 'credential.locked_until'])
        .where('person.status', '=', 'active')
        .where((where) =>
          where.or(
            hashes.map(({ kind, value }) =>
              where.and([where('alias.kind', '=', kind), where('alias.value_hash', '=', value)]),
            ),
          ),
        )
        .executeTakeFirst();
      const right = await verifyPin(pin, row?.verifier ?? (await decoy));
      if (!row) return undefined;
      if (row.locked_until !== null && Date.parse(row.locked_until) > Date.now()) return undefined;
      if (!right) {
        await sql`
          update credential
          set failures = case when failures + 1 >= ${maxFailures} then 0 else failures + 1 end,
            locked_until = case when failures + 1 >= ${maxFailures} then now() + make_interval(mins => ${lockMinutes}) end
          where person_id = ${row.id}`.execute(db);
        return undefined;
      }
      await db
        .updateTable('credential')
        .set({ failures: 0, locked_until: null })
        .where('person_id', '=', row.id)
        .execute();
      return row.id;
    },

    async find(id) {
      const row = await db
        .selectFrom('person')
        .select(['attributes'])
        .where('id', '=', id)
        .where('status', '=', 'active')
        .executeTakeFirst();
      if (!row) return undefined;
      const appointments = await db
        .selectFrom('appointment')
        .select(['agency', 'role'])
        .where('person_id', '=', id)
        .orderBy('agency')
        .orderBy('role')
        .execute();
      const agency = appointments[0]?.agency;
      return {
        attributes: openJson(keys.sealing, row.attributes) as Attributes,
        agency,
        roles: appointments.filter((one) => one.agency === agency).map((one) => one.role),
      };
    },

    async personas() {
      const rows = await db
        .selectFrom('persona')
        .select(['person_id', 'label'])
        .orderBy('position')
        .limit(50)
        .execute();
      return rows.map((row) => ({ id: row.person_id, label: row.label as Record<string, string> }));
    },

    async isPersona(id) {
      if (!/^[0-9a-f-]{36}$/.test(id)) return false;
      return (
        (await db
          .selectFrom('persona')
          .select('person_id')
          .where('person_id', '=', id)
          .executeTakeFirst()) !== undefined
      );
    },
  };
}
