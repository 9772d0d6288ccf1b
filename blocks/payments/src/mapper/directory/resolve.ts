import { CallFailed, compileValidator, newId, Problem, type Static, transaction } from '@govstack/platform';
import { sql } from 'kysely';
import type { Batch } from '../../batches/read.ts';
import type { Payments } from '../../payments-context.ts';
import type { Trx } from '../../tables.ts';
import type { BeneficiaryRecord } from '../record.ts';
import { registerPayees } from '../register.ts';
import { lockEntries, updatePayees } from '../update.ts';
import { payeeDirectory, Resolution } from './contract.ts';
import { type Directory, readDirectory } from './settings.ts';

const chunkSize = 500;
const validate = compileValidator(Resolution, 'body', false);

const record = (one: Static<typeof Resolution>['payees'][number]): BeneficiaryRecord => ({
  payeeIdentity: one.payeeIdentity,
  modality: one.paymentModality,
  institutionCode: one.bankingInstitutionCode,
  financialAddress: one.financialAddress,
  active: true,
});
const gone = (payeeIdentity: string): BeneficiaryRecord => ({
  payeeIdentity,
  modality: undefined,
  institutionCode: undefined,
  financialAddress: undefined,
  active: false,
});

/** Those of the payees about whom the directory has not been asked, or too long ago. */
async function stale(payments: Payments, sourceId: string, payees: readonly string[]): Promise<string[]> {
  const byToken = new Map(
    payees.map((one) => [payments.vault.token(one, `payee/${sourceId}`).toString('hex'), one]),
  );
  const { rows } = await sql<{ payee_token: Buffer }>`
    select payee_token
    from directory_answer
    where source_id = ${sourceId}
      and valid_until > now()
      and payee_token = any (${[...byToken.keys()].map((hex) => Buffer.from(hex, 'hex'))}::bytea[])`.execute(
    payments.db,
  );
  for (const row of rows) byToken.delete(row.payee_token.toString('hex'));
  return [...byToken.values()];
}

async function ask(payments: Payments, directory: Directory, payees: readonly string[]) {
  const { body } = await payments.ctx.mediation
    .client(payeeDirectory, directory.service)
    .resolvePayees({ body: { payees: [...payees] }, timeout: payments.config.railTimeoutSeconds * 1000 });
  if (validate(body)) throw new Error('the directory answered something else than payees');
  const asked = new Set(payees);
  return body.payees.filter((one) => asked.has(one.payeeIdentity));
}

/** Takes an answer over as new versions. Whom the directory does not know, or cannot be paid by it, is not paid. */
async function keep(
  payments: Payments,
  trx: Trx,
  sourceId: string,
  directory: Directory,
  payees: readonly string[],
  found: readonly BeneficiaryRecord[],
): Promise<void> {
  const requestId = newId();
  const tokens = payees.map((one) => payments.vault.token(one, `payee/${sourceId}`));
  await registerPayees(payments, trx, sourceId, requestId, found);
  await lockEntries(trx, sourceId, tokens);
  const failed = await updatePayees(payments, trx, sourceId, requestId, found);
  const known = new Set(found.map((one) => one.payeeIdentity));
  for (const one of failed) known.delete(one.payeeIdentity);
  const unknown = payees.filter((one) => !known.has(one)).map(gone);
  await updatePayees(payments, trx, sourceId, requestId, unknown);
  await sql`
    insert into directory_answer (source_id, payee_token, valid_until)
    select ${sourceId}, payee_token, now() + make_interval(secs => ${directory.validSeconds})
    from unnest(${tokens}::bytea[]) as t (payee_token)
    order by payee_token
    on conflict on constraint directory_answer_pkey do update set valid_until = excluded.valid_until`.execute(
    trx,
  );
}

async function refresh(
  payments: Payments,
  sourceId: string,
  directory: Directory,
  payees: readonly string[],
): Promise<void> {
  for (let from = 0; from < payees.length; from += chunkSize) {
    const asked = await stale(payments, sourceId, [...new Set(payees.slice(from, from + chunkSize))]);
    if (asked.length === 0) continue;
    const found = (await ask(payments, directory, asked)).map(record);
    await transaction(payments.db, (trx) => keep(payments, trx, sourceId, directory, asked, found));
  }
}

/** Brings the mapper up to date about the payees of a batch. Throws when the directory does not answer: not a failure. */
export async function refreshBatch(payments: Payments, batch: Batch): Promise<void> {
  const directory = await readDirectory(payments.db, batch.source_id);
  if (!directory) return;
  const rows = await payments.db
    .selectFrom('instruction')
    .select(['id', 'payee_cipher'])
    .where('batch_id', '=', batch.id)
    .where('state', '=', 'received')
    .execute();
  const payees = rows.map((row) => payments.vault.open(row.payee_cipher, `instruction/${row.id}`));
  await refresh(payments, batch.source_id, directory, payees);
}

/** The same for payees that are looked up. Throws 503 when the directory does not answer. */
export async function refreshPayees(
  payments: Payments,
  sourceId: string,
  payees: readonly string[],
): Promise<void> {
  const directory = await readDirectory(payments.db, sourceId);
  if (!directory) return;
  await refresh(payments, sourceId, directory, payees).catch((error: unknown) => {
    if (error instanceof CallFailed) throw new Problem(503, 'The directory of payees does not answer now');
    throw error;
  });
}
