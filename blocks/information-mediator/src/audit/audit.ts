import { memberOf, type Witness } from '@govstack/platform';
import type { Kysely } from 'kysely';
import type { MediatorTables } from '../tables.ts';

const longestRefusal = 300;

/**
 * Puts every attempt to change something on record before it is carried out, and its outcome before it is answered
 * (IM-6.6-e). What cannot be put on record is not done.
 */
export const auditing =
  (db: Kysely<MediatorTables>, now: () => Date): Witness =>
  async ({ surface, operation, caller, person, params }) => {
    if (operation.method === 'GET') return async () => {};
    const { seq } = await db
      .insertInto('audit')
      .values({
        at: now().toISOString(),
        exchange_id: caller.exchangeId,
        application: caller.application,
        person: person?.id ?? null,
        agency: person?.agency ?? memberOf(caller.application),
        surface,
        operation: operation.id,
        subject: JSON.stringify(params),
      })
      .returning('seq')
      .executeTakeFirstOrThrow();
    return async (status, refusal) => {
      await db
        .insertInto('audit_outcome')
        .values({
          seq,
          at: now().toISOString(),
          status,
          refusal: refusal?.slice(0, longestRefusal) ?? null,
        })
        .execute();
    };
  };
