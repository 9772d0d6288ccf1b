import { type Caller, notFound, type Person } from '@govstack/platform';
import { type Instruction, readBatch } from '../../batches/read.ts';
import type { Payments } from '../../payments-context.ts';
import type { Db } from '../../tables.ts';
import { type Owner, ownerOf } from '../visible-run.ts';

/** A payment with the owner of its run. */
export async function paymentOf(
  db: Db,
  instructionId: string,
): Promise<{ readonly instruction: Instruction; readonly owner: Owner }> {
  const instruction = await db
    .selectFrom('instruction')
    .selectAll()
    .where('id', '=', instructionId)
    .where('purpose', '=', 'payment')
    .executeTakeFirst();
  if (!instruction) throw notFound('Payment');
  return { instruction, owner: await ownerOf(db, await readBatch(db, instruction.batch_id)) };
}

/** Whether the person who is signed in is this payee: known to the source under the subject of their token. */
export const isPayee = (
  payments: Payments,
  payee: { readonly source_id: string; readonly payee_token: Buffer },
  person: Person | undefined,
): boolean =>
  person !== undefined &&
  payments.vault.token(person.id, `payee/${payee.source_id}`).equals(payee.payee_token);

/** Whether the caller is this application itself, without a person who has rights of their own. */
export const isApplication = (application: string, caller: Caller, person: Person | undefined): boolean =>
  person === undefined && caller.application === application;
