import { badRequest, type Handlers, notFound } from '@govstack/platform';
import { readBatch } from '../../batches/read.ts';
import { failuresOf, figuresOf } from '../../figures/figures.ts';
import type { Payments } from '../../payments-context.ts';
import { maySee } from '../../sources/access.ts';
import { readProgramme } from '../../sources/programme.ts';
import { scopeOf } from '../../sources/scope.ts';
import { readSource } from '../../sources/source.ts';
import type { paymentsAdmin } from './operations.ts';
import { money, present } from './views.ts';

type FigureHandlers = Pick<Handlers<typeof paymentsAdmin.operations>, 'readFailures' | 'readFigures'>;

const dayMs = 86_400_000;
const longest = { day: 100, month: 40 * 31 } as const;

/** Numbers over runs, for those who may see the runs. */
export function figureHandlers(payments: Payments): FigureHandlers {
  const { db } = payments;
  return {
    async readFailures({ params, caller, person }) {
      const batch = await readBatch(db, params.batchId);
      const { application } = await readSource(db, batch.source_id);
      const agency =
        batch.programme_id === null
          ? undefined
          : (await readProgramme(db, batch.source_id, batch.programme_id)).agency;
      if (batch.purpose !== 'payment' || !maySee(payments, { application, agency }, caller, person))
        throw notFound('Batch');
      const rows = await failuresOf(db, batch.id);
      return {
        status: 200,
        body: {
          items: rows.map((row) => ({
            state: row.state,
            ...present('reasonCode', row.reason_code),
            ...present('rail', row.rail_id),
            count: Number(row.count),
            amount: money(payments, row.amount, batch.currency),
          })),
        },
      };
    },

    async readFigures({ query, caller, person }) {
      const scope = await scopeOf(payments, caller, person);
      const from = new Date(query.from);
      const to = query.to === undefined ? payments.ctx.now() : new Date(query.to);
      const days = (to.getTime() - from.getTime()) / dayMs;
      if (days < 0) throw badRequest('to must not be before from');
      if (days > longest[query.interval])
        throw badRequest(`from and to may be ${longest[query.interval]} days apart at most`);
      const rows = await figuresOf(db, {
        interval: query.interval,
        from,
        to,
        scope,
        sourceId: query.sourceId,
        programmeId: query.programmeId,
      });
      return {
        status: 200,
        body: {
          items: rows.map((row) => ({
            period: row.period,
            sourceId: row.source_id,
            programmeId: row.programme_id,
            ...present('rail', row.rail_id),
            state: row.state,
            currency: row.currency,
            count: Number(row.count),
            amount: money(payments, row.amount, row.currency),
          })),
        },
      };
    },
  };
}
