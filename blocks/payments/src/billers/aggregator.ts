import { badRequest, isApplicationId, isServiceId } from '@govstack/platform';
import type { Selectable } from 'kysely';
import { audit } from '../audit/audit.ts';
import type { Db, PaymentsTables, Trx } from '../tables.ts';

export type Aggregator = Selectable<PaymentsTables['aggregator']>;

export interface AggregatorSettings {
  readonly id: string;
  readonly name: string;
  /** Application that calls for the billers behind it. */
  readonly application: string;
  /** Where all of them are asked and told. */
  readonly service: string;
  readonly active: boolean;
}

/**
 * Registers an aggregator or changes it; the billers behind it are reached where it is reached. Repeating the same
 * settings changes nothing.
 */
export async function putAggregator(
  trx: Trx,
  settings: AggregatorSettings,
  actor: string,
): Promise<Aggregator> {
  if (!isApplicationId(settings.application))
    throw badRequest('application must be INSTANCE/CLASS/MEMBER/APPLICATION');
  if (!isServiceId(settings.service))
    throw badRequest('service must be INSTANCE/CLASS/MEMBER/APPLICATION/SERVICE');
  const { id, ...values } = settings;
  const row = await trx
    .insertInto('aggregator')
    .values({ id, ...values })
    .onConflict((clash) => clash.column('id').doUpdateSet({ ...values, updated_at: new Date() }))
    .returningAll()
    .executeTakeFirstOrThrow();
  await trx
    .updateTable('biller')
    .set({ application: settings.application, service: settings.service })
    .where('aggregator_id', '=', id)
    .execute();
  await audit(trx, {
    component: 'billers',
    action: 'put',
    subject: `aggregator/${id}`,
    actor,
    detail: settings,
  });
  return row;
}

export const findAggregator = (db: Db | Trx, id: string): Promise<Aggregator | undefined> =>
  db.selectFrom('aggregator').selectAll().where('id', '=', id).executeTakeFirst();

export const listAggregators = (db: Db): Promise<Aggregator[]> =>
  db.selectFrom('aggregator').selectAll().orderBy('id').limit(1000).execute();
