import { createHash } from 'node:crypto';
import { conflict, newId, notFound, transaction } from '@govstack/platform';
import { audit } from '../audit/audit.ts';
import { auditContext } from '../audit/disclosure.ts';
import { enqueueCallback } from '../callbacks/queue.ts';
import type { CallbackTarget } from '../callbacks/target.ts';
import type { Payments } from '../payments-context.ts';
import type { Source } from '../sources/source.ts';
import { readDirectory } from './directory/settings.ts';
import type { BeneficiaryRecord, FailedRecord } from './record.ts';
import { registerPayees } from './register.ts';
import { updatePayees } from './update.ts';

export type MapperOperation = 'register' | 'update';

export interface MapperRequest {
  readonly source: Source;
  readonly operation: MapperOperation;
  readonly requestId: string;
  readonly records: readonly BeneficiaryRecord[];
  readonly caller: string;
  readonly callback: CallbackTarget | undefined;
  /** Words the callback; the official message unless said otherwise. */
  readonly notice?: (outcome: MapperOutcome) => unknown;
}

export interface MapperOutcome {
  readonly id: string;
  readonly requestId: string;
  readonly operation: MapperOperation;
  readonly recordCount: number;
  readonly failures: readonly FailedRecord[];
}

/** The message of the official onboarding and update callbacks; the same content can be polled. */
export const mapperNotice = (outcome: MapperOutcome) => ({
  requestID: outcome.requestId,
  registerRequestID: outcome.requestId,
  numberFailedCases: outcome.failures.length,
  failedCases: outcome.failures.map((failure) => ({
    ...(outcome.operation === 'update'
      ? { payeeFunctionalID: failure.payeeIdentity }
      : { payeeIdentity: failure.payeeIdentity }),
    paymentModality: failure.modality ?? '',
    ...(failure.institutionCode === undefined ? {} : { bankingInstitutionCode: failure.institutionCode }),
    failureReason: failure.failureReason,
  })),
});

const openFailures = (payments: Payments, id: string, sealed: Buffer | null): FailedRecord[] =>
  sealed === null ? [] : (JSON.parse(payments.vault.open(sealed, `failures/${id}`)) as FailedRecord[]);

/**
 * Registers or updates payees and queues the callback, all in one transaction. The request id makes it safe to repeat:
 * the same content gets the first outcome, other content is refused with 409.
 */
export async function processMapperRequest(
  payments: Payments,
  request: MapperRequest,
): Promise<MapperOutcome> {
  const { source, operation, requestId, records } = request;
  if (await readDirectory(payments.db, source.id))
    throw conflict('The payees of this source are kept in a directory outside; change them there');
  const contentHash = createHash('sha256').update(JSON.stringify(records)).digest('hex');
  const outcome = await transaction(payments.db, async (trx): Promise<MapperOutcome> => {
    const id = newId();
    const inserted = await trx
      .insertInto('mapper_request')
      .values({
        id,
        source_id: source.id,
        operation,
        request_id: requestId,
        content_hash: contentHash,
        record_count: records.length,
        failures_cipher: null,
        caller: request.caller,
      })
      .onConflict((clash) => clash.constraint('mapper_request_key').doNothing())
      .returning('id')
      .executeTakeFirst();
    if (!inserted) {
      const known = await trx
        .selectFrom('mapper_request')
        .select(['id', 'content_hash', 'failures_cipher', 'record_count'])
        .where('source_id', '=', source.id)
        .where('operation', '=', operation)
        .where('request_id', '=', requestId)
        .executeTakeFirstOrThrow();
      if (known.content_hash !== contentHash)
        throw conflict('This request id was used before with other content');
      const failures = openFailures(payments, known.id, known.failures_cipher);
      return { id: known.id, requestId, operation, recordCount: known.record_count, failures };
    }
    const store = operation === 'register' ? registerPayees : updatePayees;
    const failures = await store(payments, trx, source.id, id, records);
    await trx
      .updateTable('mapper_request')
      .set({
        failure_count: failures.length,
        failures_cipher:
          failures.length === 0 ? null : payments.vault.seal(JSON.stringify(failures), `failures/${id}`),
      })
      .where('id', '=', id)
      .execute();
    const subject = `mapper-request/${id}`;
    await audit(trx, {
      component: 'mapper',
      action: operation,
      subject,
      actor: request.caller,
      detail: { requestId, source: source.id, records: records.length, failed: failures.length },
      sealed: {
        data: payments.vault.seal(JSON.stringify(records), auditContext(subject)),
        keyId: `vault/${payments.vault.keyNumber}`,
      },
    });
    const done = { id, requestId, operation, recordCount: records.length, failures };
    if (request.callback)
      await enqueueCallback(payments, trx, {
        sourceId: source.id,
        kind: `beneficiary-${operation}`,
        target: request.callback,
        body: (request.notice ?? mapperNotice)(done),
      });
    return done;
  });
  payments.wake();
  return outcome;
}

/** The outcome of an earlier request of the same source, for a caller that cannot be called back. */
export async function mapperOutcome(
  payments: Payments,
  sourceId: string,
  operation: MapperOperation,
  requestId: string,
): Promise<MapperOutcome> {
  const row = await payments.db
    .selectFrom('mapper_request')
    .select(['id', 'record_count', 'failures_cipher'])
    .where('source_id', '=', sourceId)
    .where('operation', '=', operation)
    .where('request_id', '=', requestId)
    .executeTakeFirst();
  if (!row) throw notFound('Request');
  return {
    id: row.id,
    requestId,
    operation,
    recordCount: row.record_count,
    failures: openFailures(payments, row.id, row.failures_cipher),
  };
}
