import { type Handlers, transaction } from '@govstack/platform';
import { sql } from 'kysely';
import { listFeeSchedules, putFeeSchedule, quoteFee } from '../../fees/schedules.ts';
import type { FeeBand } from '../../fees/tables.ts';
import { largestTotal } from '../../money/amount.ts';
import type { Payments } from '../../payments-context.ts';
import { listSingleDecisionLimits, putSingleDecisionLimit } from '../../returns/four-eyes.ts';
import { decideRelease, listSuspense, proposeRelease } from '../../returns/suspense.ts';
import { settlementCsv, settlementFigures } from '../../settlement/export.ts';
import { closeDay, dayFigures, listSettlements, settlementOutcome } from '../../settlement/figures.ts';
import { actorOf, assertAdministers, assertOperates, assertTreasury } from '../../sources/access.ts';
import { money, present } from '../admin/views.ts';
import { amountIn } from '../amount-in.ts';
import { visibleRun } from '../visible-run.ts';
import type * as operations from './money-operations.ts';
import type { reconciliation } from './operations.ts';
import { paged } from './statement-handlers.ts';
import { scheduleView, settlementView, suspenseView } from './views.ts';

type MoneyHandlers = Pick<Handlers<typeof reconciliation.operations>, keyof typeof operations>;

/** Money in suspense, settlement figures, and what rails charge. */
export function moneyHandlers(payments: Payments): MoneyHandlers {
  const { db } = payments;
  const bandIn = (
    band: { upTo?: string; flat?: string; perMille?: string; minimum?: string; maximum?: string },
    currency: string,
    index: number,
  ): FeeBand => {
    const minor = (name: 'upTo' | 'flat' | 'minimum' | 'maximum') => {
      const text = band[name];
      if (text === undefined || (name === 'flat' && /^0+(\.0+)?$/.test(text))) return undefined;
      return Number(amountIn(payments, text, currency, `/bands/${index}/${name}`));
    };
    const [whole = '0', thousandths = ''] = (band.perMille ?? '0').split('.');
    return {
      ...present('upTo', minor('upTo')),
      flat: minor('flat') ?? 0,
      perMillion: Number(whole) * 1000 + Number(thousandths.padEnd(3, '0')),
      ...present('minimum', minor('minimum')),
      ...present('maximum', minor('maximum')),
    };
  };

  return {
    async listSuspense({ query, caller, person }) {
      assertTreasury(payments, caller, person);
      const limit = query.limit ?? 100;
      const rows = await listSuspense(db, { ...query, limit: limit + 1 });
      return {
        status: 200,
        body: paged(
          rows,
          limit,
          (row) => suspenseView(payments, row),
          (row) => row.id,
        ),
      };
    },

    async releaseSuspense({ params, body, caller, person }) {
      assertOperates(payments, caller, person);
      const entry = await proposeRelease(payments, params.entryId, { caller, person }, body);
      return { status: 200, body: suspenseView(payments, entry) };
    },

    async acceptRelease({ params, body, caller, person }) {
      assertOperates(payments, caller, person);
      const decision = { ...body, accept: true };
      const entry = await decideRelease(payments, params.entryId, { caller, person }, decision);
      return { status: 200, body: suspenseView(payments, entry) };
    },

    async declineRelease({ params, body, caller, person }) {
      assertOperates(payments, caller, person);
      const decision = { ...body, accept: false };
      const entry = await decideRelease(payments, params.entryId, { caller, person }, decision);
      return { status: 200, body: suspenseView(payments, entry) };
    },

    async putSingleDecisionLimit({ params, body, caller, person }) {
      assertAdministers(payments, caller, person);
      const { currency } = params;
      const amount =
        body.amount === null ? null : amountIn(payments, body.amount, currency, '/amount', largestTotal);
      await transaction(db, (trx) => putSingleDecisionLimit(trx, currency, amount, { caller, person }));
      return {
        status: 200,
        body: { currency, ...(amount === null ? {} : { amount: money(payments, amount, currency) }) },
      };
    },

    async listSingleDecisionLimits({ caller, person }) {
      assertTreasury(payments, caller, person);
      const rows = await listSingleDecisionLimits(db);
      return {
        status: 200,
        body: {
          items: rows.map((row) => ({
            currency: row.currency,
            amount: money(payments, row.amount, row.currency),
          })),
        },
      };
    },

    async getSettlementFigures({ query, caller, person }) {
      assertTreasury(payments, caller, person);
      const rows = await dayFigures(payments, db, query);
      return { status: 200, body: { items: rows.map((row) => settlementFigures(payments, row)) } };
    },

    async closeSettlementDay({ body, caller, person }) {
      assertOperates(payments, caller, person);
      const row = await closeDay(payments, body, actorOf(caller, person));
      return { status: 200, body: settlementView(payments, row) };
    },

    async listSettlements({ query, caller, person }) {
      assertTreasury(payments, caller, person);
      const limit = query.limit ?? 100;
      const rows = await listSettlements(db, { ...query, limit: limit + 1 });
      return {
        status: 200,
        body: paged(
          rows,
          limit,
          (row) => settlementView(payments, row),
          (row) => row.id,
        ),
      };
    },

    async getSettlement({ params, caller, person }) {
      assertTreasury(payments, caller, person);
      const { settlement, seen, state } = await settlementOutcome(payments, params.settlementId);
      return {
        status: 200,
        body: {
          ...settlementView(payments, settlement),
          state,
          paidSeen: money(payments, seen.paid, settlement.currency),
          returnedSeen: money(payments, seen.returned, settlement.currency),
        },
      };
    },

    async getSettlementFile({ params, caller, person }) {
      assertTreasury(payments, caller, person);
      const { settlement } = await settlementOutcome(payments, params.settlementId);
      return {
        status: 200,
        body: Buffer.from(settlementCsv(payments, settlement)),
        headers: { 'content-type': 'text/csv; charset=utf-8' },
      };
    },

    async postFeeSchedule({ body, caller, person }) {
      assertAdministers(payments, caller, person);
      const instant = (text: string | undefined) => (text === undefined ? undefined : new Date(text));
      const row = await transaction(db, (trx) =>
        putFeeSchedule(
          payments,
          trx,
          {
            railId: body.railId,
            modality: body.modality,
            currency: body.currency,
            bands: body.bands.map((band, index) => bandIn(band, body.currency, index)),
            validFrom: instant(body.validFrom),
            validTo: instant(body.validTo),
          },
          actorOf(caller, person),
        ),
      );
      return { status: 200, body: scheduleView(payments, row) };
    },

    async listFeeSchedules({ query, caller, person }) {
      assertTreasury(payments, caller, person);
      const limit = query.limit ?? 100;
      const rows = await listFeeSchedules(db, { ...query, limit: limit + 1 });
      return {
        status: 200,
        body: paged(
          rows,
          limit,
          (row) => scheduleView(payments, row),
          (row) => row.id,
        ),
      };
    },

    async quoteFee({ body, caller, person }) {
      assertTreasury(payments, caller, person);
      const amount = amountIn(payments, body.amount, body.currency, '/amount');
      const { fee, scheduleId } = await quoteFee(db, { ...body, amount });
      return {
        status: 200,
        body: {
          fee: money(payments, fee, body.currency),
          currency: body.currency,
          ...present('scheduleId', scheduleId),
        },
      };
    },

    async getRunFees({ params, caller, person }) {
      const batch = await visibleRun(payments, params.batchId, caller, person);
      const { rows } = await sql<{
        schedule_id: string;
        rail_id: string;
        modality: string;
        version: number;
        count: number;
        amount: string;
      }>`
        select f.schedule_id, s.rail_id, s.modality, s.version, f.count, f.amount
        from run_fee f
        join fee_schedule s on s.id = f.schedule_id
        where f.batch_id = ${batch.id}
        order by s.rail_id, s.modality`.execute(db);
      return {
        status: 200,
        body: {
          batchId: batch.id,
          currency: batch.currency,
          fees: money(payments, batch.fee_amount, batch.currency),
          items: rows.map((row) => ({
            scheduleId: row.schedule_id,
            railId: row.rail_id,
            ...(row.modality === '' ? {} : { modality: row.modality }),
            version: row.version,
            count: row.count,
            amount: money(payments, row.amount, batch.currency),
          })),
        },
      };
    },
  };
}
