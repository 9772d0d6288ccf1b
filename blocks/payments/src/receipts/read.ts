import { conflict, notFound } from '@govstack/platform';
import type { Selectable } from 'kysely';
import type { Db, PaymentsTables, Trx } from '../tables.ts';

export type Receipt = Selectable<PaymentsTables['receipt']>;
export type Acknowledgement = Selectable<PaymentsTables['receipt_acknowledgement']>;

export async function readReceipt(db: Db | Trx, instructionId: string): Promise<Receipt> {
  const row = await db
    .selectFrom('receipt')
    .selectAll()
    .where('instruction_id', '=', instructionId)
    .executeTakeFirst();
  if (!row) throw notFound('Receipt');
  return row;
}

/** Receipts of one payee of a source, newest first, a page before a receipt number. */
export const receiptsOfPayee = (
  db: Db,
  sourceId: string,
  payeeToken: Buffer,
  page: { readonly before?: string; readonly limit: number },
): Promise<Receipt[]> =>
  db
    .selectFrom('receipt')
    .selectAll()
    .where('source_id', '=', sourceId)
    .where('payee_token', '=', payeeToken)
    .$if(page.before !== undefined, (query) => query.where('number', '<', page.before as string))
    .orderBy('number', 'desc')
    .limit(page.limit)
    .execute();

export const acknowledgementsOf = (
  db: Db | Trx,
  instructionIds: readonly string[],
): Promise<Acknowledgement[]> =>
  instructionIds.length === 0
    ? Promise.resolve([])
    : db
        .selectFrom('receipt_acknowledgement')
        .selectAll()
        .where('instruction_id', 'in', [...instructionIds])
        .orderBy('at')
        .execute();

/** Keeps that a party has the receipt; once, and only for exactly what it says (PAY-6.14-e). */
export async function acknowledge(
  trx: Trx,
  receipt: Receipt,
  by: { readonly party: Acknowledgement['party']; readonly actor: string; readonly hash: string },
): Promise<void> {
  if (by.hash !== receipt.hash) throw conflict('This is not the hash of the receipt');
  await trx
    .insertInto('receipt_acknowledgement')
    .values({ instruction_id: receipt.instruction_id, ...by })
    .onConflict((clash) => clash.constraint('receipt_acknowledgement_pkey').doNothing())
    .execute();
}
