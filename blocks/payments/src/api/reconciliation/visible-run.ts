import { type Caller, notFound, type Person } from '@govstack/platform';
import { type Batch, readBatch } from '../../batches/read.ts';
import type { Payments } from '../../payments-context.ts';
import { maySee } from '../../sources/access.ts';
import { readProgramme } from '../../sources/programme.ts';
import { readSource } from '../../sources/source.ts';

/** A run its caller may see; one it may not see looks like one that does not exist. */
export async function visibleRun(
  payments: Payments,
  batchId: string,
  caller: Caller,
  person: Person | undefined,
): Promise<Batch> {
  const batch = await readBatch(payments.db, batchId);
  if (batch.purpose !== 'payment' || batch.programme_id === null) throw notFound('Batch');
  const { application } = await readSource(payments.db, batch.source_id);
  const { agency } = await readProgramme(payments.db, batch.source_id, batch.programme_id);
  if (!maySee(payments, { application, agency }, caller, person)) throw notFound('Batch');
  return batch;
}
