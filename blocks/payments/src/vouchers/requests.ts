import { conflict, newId, notFound, transaction } from '@govstack/platform';
import type { Selectable } from 'kysely';
import { enqueueCallback } from '../callbacks/queue.ts';
import type { CallbackTarget } from '../callbacks/target.ts';
import type { Payments } from '../payments-context.ts';
import type { Source } from '../sources/source.ts';
import type { Db, PaymentsTables, Trx } from '../tables.ts';
import type { VoucherFailure } from './tables.ts';

type Row = Selectable<PaymentsTables['voucher_request']>;
export type VoucherOperation = Row['operation'];
export type VoucherRequest = Omit<Row, 'failures_cipher'> & { readonly failures: readonly VoucherFailure[] };

const sealedFor = (id: string): string => `voucher-request/${id}`;

const opened = (payments: Payments, { failures_cipher: sealed, ...row }: Row): VoucherRequest => ({
  ...row,
  failures:
    sealed === null ? [] : (JSON.parse(payments.vault.open(sealed, sealedFor(row.id))) as VoucherFailure[]),
});

/** What the callbacks of activation and cancellation say: the vouchers that could not be moved, and why. */
export const failuresNotice = (request: Pick<VoucherRequest, 'request_id' | 'failures'>) => ({
  requestID: request.request_id,
  registerRequestID: request.request_id,
  numberFailedCases: request.failures.length,
  failedCases: [...request.failures],
});

const contradicts: Readonly<Record<string, string>> = {
  voucher_request_batch: 'This batch id was used before with other content',
  voucher_instruction: 'An instruction of this id has its voucher already',
};

export async function findRequest(
  payments: Payments,
  db: Db | Trx,
  sourceId: string,
  operation: VoucherOperation,
  requestId: string,
): Promise<VoucherRequest> {
  const row = await db
    .selectFrom('voucher_request')
    .selectAll()
    .where('source_id', '=', sourceId)
    .where('operation', '=', operation)
    .where('request_id', '=', requestId)
    .executeTakeFirst();
  if (!row) throw notFound('Request');
  return opened(payments, row);
}

/**
 * Carries a request for vouchers out, once, and queues what is called back, all in one transaction. The request id makes
 * it safe to repeat: the same content gets the first outcome and no second callback, other content is refused with 409.
 * What is refused as a whole leaves no trace, so it can be tried again.
 */
export async function processVoucherRequest(
  payments: Payments,
  request: {
    readonly source: Source;
    readonly operation: VoucherOperation;
    readonly requestId: string;
    readonly batchId: string | undefined;
    readonly content: readonly unknown[];
    readonly caller: string;
    readonly callback: CallbackTarget | undefined;
    readonly kind: string;
    readonly work: (trx: Trx, id: string) => Promise<VoucherFailure[]>;
    readonly notice: (trx: Trx, done: VoucherRequest) => Promise<unknown>;
  },
): Promise<VoucherRequest> {
  const { source, operation, requestId } = request;
  const content = JSON.stringify([request.batchId, request.content]);
  const contentHash = payments.vault.token(content, 'voucher-request').toString('hex');
  const outcome = await transaction(payments.db, async (trx): Promise<VoucherRequest> => {
    const id = newId();
    const inserted = await trx
      .insertInto('voucher_request')
      .values({
        id,
        source_id: source.id,
        operation,
        request_id: requestId,
        batch_id: request.batchId ?? null,
        content_hash: contentHash,
        voucher_count: request.content.length,
        failures_cipher: null,
        caller: request.caller,
      })
      .onConflict((clash) => clash.constraint('voucher_request_key').doNothing())
      .returning('id')
      .executeTakeFirst();
    if (!inserted) {
      const known = await findRequest(payments, trx, source.id, operation, requestId);
      if (known.content_hash !== contentHash)
        throw conflict('This request id was used before with other content');
      return known;
    }
    const failures = await request.work(trx, id);
    const done = opened(
      payments,
      await trx
        .updateTable('voucher_request')
        .set({
          failures_cipher:
            failures.length === 0 ? null : payments.vault.seal(JSON.stringify(failures), sealedFor(id)),
        })
        .where('id', '=', id)
        .returningAll()
        .executeTakeFirstOrThrow(),
    );
    if (request.callback)
      await enqueueCallback(payments, trx, {
        sourceId: source.id,
        kind: request.kind,
        target: request.callback,
        body: await request.notice(trx, done),
      });
    return done;
  }).catch((error: unknown) => {
    const { code, constraint = '' } = error as { code?: string; constraint?: string };
    const contradiction = code === '23505' ? contradicts[constraint] : undefined;
    throw contradiction === undefined ? error : conflict(contradiction);
  });
  payments.wake();
  return outcome;
}
