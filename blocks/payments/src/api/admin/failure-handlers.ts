import { type Handlers, notFound } from '@govstack/platform';
import { failuresOf } from '../../batches/failures.ts';
import { readBatch } from '../../batches/read.ts';
import type { Payments } from '../../payments-context.ts';
import { maySee } from '../../sources/access.ts';
import { readProgramme } from '../../sources/programme.ts';
import { readSource } from '../../sources/source.ts';
import type { paymentsAdmin } from './operations.ts';
import { money, present } from './views.ts';

type FailureHandlers = Pick<Handlers<typeof paymentsAdmin.operations>, 'readFailures'>;

/** Why payments of a run were not made, for those who may see the run. */
export function failureHandlers(payments: Payments): FailureHandlers {
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
  };
}
