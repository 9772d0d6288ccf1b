import { type Caller, notFound, type Person } from '@govstack/platform';
import { type Batch, readBatch } from '../batches/read.ts';
import type { Payments } from '../payments-context.ts';
import { maySee } from '../sources/access.ts';
import { readProgramme } from '../sources/programme.ts';
import { readSource } from '../sources/source.ts';
import type { Db } from '../tables.ts';

export interface Owner {
  readonly application: string;
  readonly agency: string | undefined;
}

/** Whose records a run belongs to: its source and its programme's agency. */
export async function ownerOf(db: Db, batch: Pick<Batch, 'source_id' | 'programme_id'>): Promise<Owner> {
  const source = await readSource(db, batch.source_id);
  const programme =
    batch.programme_id === null ? undefined : await readProgramme(db, batch.source_id, batch.programme_id);
  return { application: source.application, agency: programme?.agency };
}

/** A run its caller may see; one it may not see looks like one that does not exist. */
export async function visibleRun(
  payments: Payments,
  batchId: string,
  caller: Caller,
  person: Person | undefined,
): Promise<Batch> {
  const batch = await readBatch(payments.db, batchId);
  if (batch.purpose !== 'payment' || !maySee(payments, await ownerOf(payments.db, batch), caller, person))
    throw notFound('Batch');
  return batch;
}
