import { badRequest, conflict, newId } from '@govstack/platform';
import { type Selectable, sql } from 'kysely';
import { audit } from '../audit/audit.ts';
import type { Payments } from '../payments-context.ts';
import { findRail } from '../rails/registry.ts';
import type { Db, PaymentsTables, Trx } from '../tables.ts';
import type { FeeBand } from './tables.ts';

export type FeeSchedule = Selectable<PaymentsTables['fee_schedule']>;

export interface NewFeeSchedule {
  readonly railId: string;
  /** Undefined: for every modality without an own schedule. */
  readonly modality: string | undefined;
  readonly currency: string;
  /** Empty: the rail charges nothing. */
  readonly bands: readonly FeeBand[];
  readonly validFrom: Date | undefined;
  readonly validTo: Date | undefined;
}

function assertBands(bands: readonly FeeBand[]): void {
  let reached = 0;
  bands.forEach((band, index) => {
    const last = index === bands.length - 1;
    if (last !== (band.upTo === undefined))
      throw badRequest('Every band but the last says up to which amount it goes; the last goes on for ever');
    if (band.upTo !== undefined && band.upTo <= reached)
      throw badRequest('Bands must be in the order of their amounts');
    if ((band.minimum ?? 0) > (band.maximum ?? Number.MAX_SAFE_INTEGER))
      throw badRequest('The minimum of a band is above its maximum');
    reached = band.upTo ?? reached;
  });
}

/**
 * Keeps a new version of what a rail charges (PAY-6.1-l). It holds from its time on, in place of the one before; fees of
 * runs that were validated earlier stay as they were computed.
 */
export async function putFeeSchedule(
  payments: Payments,
  trx: Trx,
  wanted: NewFeeSchedule,
  actor: string,
): Promise<FeeSchedule> {
  const rail = await findRail(trx, wanted.railId);
  if (!rail) throw badRequest('railId is not a registered rail');
  if (!rail.currencies.includes(wanted.currency))
    throw badRequest(`The rail does not pay in ${wanted.currency}`);
  if (wanted.modality !== undefined && !rail.modalities.includes(wanted.modality))
    throw badRequest('The rail does not pay to accounts of this modality');
  assertBands(wanted.bands);
  const now = payments.ctx.now();
  const validFrom = wanted.validFrom ?? now;
  if (validFrom.getTime() < now.getTime() - 60_000)
    throw badRequest('validFrom lies in the past: what was validated before keeps its fees');
  if (wanted.validTo !== undefined && wanted.validTo <= validFrom)
    throw badRequest('validTo must be later than validFrom');
  const modality = wanted.modality ?? '';
  await sql`select pg_advisory_xact_lock(hashtext('payments/fee-schedule'))`.execute(trx);
  const { rows } = await sql<{ version: number; last: string | null }>`
    select coalesce(max(version), 0) as version, max(valid_from) as last
    from fee_schedule
    where rail_id = ${wanted.railId} and modality = ${modality} and currency = ${wanted.currency}`.execute(
    trx,
  );
  const last = rows[0]?.last;
  if (last && new Date(last) > validFrom)
    throw conflict('A later version is set already; its successor must begin after it');
  const row = await trx
    .insertInto('fee_schedule')
    .values({
      id: newId(),
      rail_id: wanted.railId,
      modality,
      currency: wanted.currency,
      version: (rows[0]?.version ?? 0) + 1,
      bands: JSON.stringify(wanted.bands),
      valid_from: validFrom,
      valid_to: wanted.validTo ?? null,
      created_by: actor,
    })
    .returningAll()
    .executeTakeFirstOrThrow();
  await audit(trx, {
    component: 'fees',
    action: 'put',
    subject: `fee-schedule/${row.id}`,
    actor,
    detail: { ...wanted, version: row.version },
  });
  return row;
}

/** Versions of schedules, newest first, a page before a schedule id. */
export const listFeeSchedules = (
  db: Db,
  filter: {
    readonly railId?: string;
    readonly currency?: string;
    readonly before?: string;
    readonly limit: number;
  },
): Promise<FeeSchedule[]> =>
  db
    .selectFrom('fee_schedule')
    .selectAll()
    .$if(filter.railId !== undefined, (query) => query.where('rail_id', '=', filter.railId as string))
    .$if(filter.currency !== undefined, (query) => query.where('currency', '=', filter.currency as string))
    .$if(filter.before !== undefined, (query) => query.where('id', '<', filter.before as string))
    .orderBy('id', 'desc')
    .limit(filter.limit)
    .execute();

/** The schedule that holds now for payments of a rail, one of their own modality before the general one. */
export const schedulesNow = sql`
  select distinct on (s.rail_id, s.modality, s.currency) s.id, s.rail_id, s.modality, s.currency, s.bands, s.valid_to
  from fee_schedule s
  where s.valid_from <= now()
  order by s.rail_id, s.modality, s.currency, s.version desc`;

/** What a payment would cost now, in minor units. */
export async function quoteFee(
  db: Db,
  payment: {
    readonly railId: string;
    readonly modality: string;
    readonly currency: string;
    readonly amount: bigint;
  },
): Promise<{ fee: bigint; scheduleId: string | undefined }> {
  const { rows } = await sql<{ id: string; fee: string | null }>`
    select s.id, fee_of(${payment.amount.toString()}::bigint, s.bands) as fee
    from (${schedulesNow}) s
    where s.rail_id = ${payment.railId}
      and s.currency = ${payment.currency}
      and s.modality in (${payment.modality}, '')
      and (s.valid_to is null or s.valid_to > now())
    order by s.modality desc
    limit 1`.execute(db);
  return { fee: BigInt(rows[0]?.fee ?? 0), scheduleId: rows[0]?.id };
}
