import { newId } from '@govstack/platform';
import { sql } from 'kysely';
import type { Payments } from '../payments-context.ts';
import type { Trx } from '../tables.ts';
import { type Modality, modalities, normaliseAddress } from './address.ts';
import { type BeneficiaryRecord, type FailedRecord, failed, withoutRepeats } from './record.ts';

interface NewEntry {
  readonly record: BeneficiaryRecord;
  readonly modality: Modality;
  readonly address: string | undefined;
}

function check(record: BeneficiaryRecord, phoneCountry: string): NewEntry | FailedRecord {
  const modality = modalities.find((one) => one === record.modality);
  if (!modality) return failed(record, 'paymentModality must be 00, 01, 02, 03 or 04');
  const address = normaliseAddress(modality, record.financialAddress, phoneCountry);
  if ('fault' in address) return failed(record, address.fault);
  return { record, modality, address: address.address };
}

/**
 * Stores new payees of a source, each record on its own: one that is faulty or registered already does not keep the
 * others out (PAY-9.1.1-a). Answers the records that failed.
 */
export async function registerPayees(
  payments: Payments,
  trx: Trx,
  sourceId: string,
  requestId: string,
  records: readonly BeneficiaryRecord[],
): Promise<FailedRecord[]> {
  const { vault } = payments;
  const { first, repeated } = withoutRepeats(records);
  const checked = first.map((record) => check(record, payments.config.phoneCountry));
  const faulty = checked.filter((one): one is FailedRecord => 'failureReason' in one);
  const rows = checked
    .filter((one): one is NewEntry => 'modality' in one && 'record' in one)
    .map((entry) => {
      const id = newId();
      const version = newId();
      return { ...entry, id, version, token: vault.token(entry.record.payeeIdentity, `payee/${sourceId}`) };
    });
  const { rows: stored } = await sql<{ entry_id: string }>`
    with incoming as (
      select id, version_id, payee_token, payee_cipher, modality, institution_code, address_token, address_cipher
      from unnest(
        ${rows.map((row) => row.id)}::uuid[],
        ${rows.map((row) => row.version)}::uuid[],
        ${rows.map((row) => row.token)}::bytea[],
        ${rows.map((row) => vault.seal(row.record.payeeIdentity, `payee/${row.id}`))}::bytea[],
        ${rows.map((row) => row.modality)}::text[],
        ${rows.map((row) => row.record.institutionCode ?? null)}::text[],
        ${rows.map((row) => (row.address === undefined ? null : vault.token(row.address, 'address')))}::bytea[],
        ${rows.map((row) => (row.address === undefined ? null : vault.seal(row.address, `address/${row.version}`)))}::bytea[]
      ) as r (id, version_id, payee_token, payee_cipher, modality, institution_code, address_token, address_cipher)
    ),
    entry as (
      insert into mapper_entry (id, source_id, payee_token, payee_cipher, current_version)
      select id, ${sourceId}, payee_token, payee_cipher, version_id
      from incoming
      order by payee_token
      on conflict on constraint mapper_entry_payee_key do nothing
      returning id
    )
    insert into mapper_version
      (id, entry_id, number, modality, institution_code, address_token, address_cipher, active, request_id)
    select
      i.version_id, i.id, 1, i.modality, i.institution_code, i.address_token, i.address_cipher, true, ${requestId}
    from incoming i
    join entry e on e.id = i.id
    returning entry_id`.execute(trx);
  const known = new Set(stored.map((row) => row.entry_id));
  const duplicates = rows
    .filter((row) => !known.has(row.id))
    .map((row) => failed(row.record, 'payee is registered already; use update'));
  return [...repeated, ...faulty, ...duplicates];
}
