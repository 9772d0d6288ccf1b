import { newId } from '@govstack/platform';
import { sql } from 'kysely';
import type { Payments } from '../payments-context.ts';
import type { Trx } from '../tables.ts';
import { type Modality, modalities, normaliseAddress } from './address.ts';
import { type BeneficiaryRecord, type FailedRecord, failed, withoutRepeats } from './record.ts';

interface Current {
  entry_id: string;
  payee_token: Buffer;
  version_id: string;
  number: number;
  modality: Modality;
  institution_code: string | null;
  address_token: Buffer | null;
  address_cipher: Buffer | null;
  active: boolean;
}

interface Next {
  readonly record: BeneficiaryRecord;
  readonly current: Current;
  readonly modality: Modality;
  readonly institution: string | null;
  readonly address: string | undefined;
  readonly active: boolean;
}

function change(payments: Payments, record: BeneficiaryRecord, current: Current): Next | FailedRecord {
  const modality =
    record.modality === undefined ? current.modality : modalities.find((one) => one === record.modality);
  if (!modality) return failed(record, 'paymentModality must be 00, 01, 02, 03 or 04');
  const before =
    current.address_cipher === null
      ? undefined
      : payments.vault.open(current.address_cipher, `address/${current.version_id}`);
  const address = normaliseAddress(modality, record.financialAddress ?? before, payments.config.phoneCountry);
  if ('fault' in address) return failed(record, address.fault);
  return {
    record,
    current,
    modality,
    institution: record.institutionCode ?? (modality === current.modality ? current.institution_code : null),
    address: address.address,
    active: record.active ?? current.active,
  };
}

/**
 * Locks the entries of payees in a fixed order, each transaction all it needs at once. What they hold is read by a later
 * statement: one that waited for a lock does not see what the holder has written beside the row.
 */
export const lockEntries = async (trx: Trx, sourceId: string, tokens: readonly Buffer[]): Promise<void> => {
  await sql`
    select e.id
    from mapper_entry e
    where e.source_id = ${sourceId} and e.payee_token = any (${tokens}::bytea[])
    order by e.id
    for update`.execute(trx);
};

/**
 * Changes modality, account, institution or standing of registered payees, each record on its own; what a record does
 * not name stays. The payee identity itself cannot change (PAY-8.1.3-a). Every change is a new version, the earlier
 * ones stay. Answers the records that failed.
 */
export async function updatePayees(
  payments: Payments,
  trx: Trx,
  sourceId: string,
  requestId: string,
  records: readonly BeneficiaryRecord[],
): Promise<FailedRecord[]> {
  const { vault } = payments;
  const { first, repeated } = withoutRepeats(records);
  const tokens = first.map((record) => vault.token(record.payeeIdentity, `payee/${sourceId}`));
  await lockEntries(trx, sourceId, tokens);
  const { rows } = await sql<Current>`
    select
      e.id as entry_id, e.payee_token, v.id as version_id, v.number, v.modality, v.institution_code,
      v.address_token, v.address_cipher, v.active
    from mapper_entry e
    join mapper_version v on v.id = e.current_version
    where e.source_id = ${sourceId}
      and e.payee_token = any (${tokens}::bytea[])`.execute(trx);
  const current = new Map(rows.map((row) => [row.payee_token.toString('hex'), row]));
  const outcomes = first.map((record, index) => {
    const found = current.get((tokens[index] as Buffer).toString('hex'));
    return found ? change(payments, record, found) : failed(record, 'payee is not registered');
  });
  const changes = outcomes
    .filter((one): one is Next => 'current' in one)
    .map((next) => ({
      ...next,
      version: newId(),
      token: next.address === undefined ? null : vault.token(next.address, 'address'),
    }))
    .filter(
      ({ current: old, ...next }) =>
        next.modality !== old.modality ||
        next.institution !== old.institution_code ||
        next.active !== old.active ||
        (next.token?.toString('hex') ?? null) !== (old.address_token?.toString('hex') ?? null),
    );
  await sql`
    with incoming as (
      select entry_id, version_id, number, modality, institution_code, address_token, address_cipher, active
      from unnest(
        ${changes.map((row) => row.current.entry_id)}::uuid[],
        ${changes.map((row) => row.version)}::uuid[],
        ${changes.map((row) => row.current.number + 1)}::integer[],
        ${changes.map((row) => row.modality)}::text[],
        ${changes.map((row) => row.institution)}::text[],
        ${changes.map((row) => row.token)}::bytea[],
        ${changes.map((row) => (row.address === undefined ? null : vault.seal(row.address, `address/${row.version}`)))}::bytea[],
        ${changes.map((row) => row.active)}::boolean[]
      ) as r (entry_id, version_id, number, modality, institution_code, address_token, address_cipher, active)
    ),
    version as (
      insert into mapper_version
        (id, entry_id, number, modality, institution_code, address_token, address_cipher, active, request_id)
      select
        version_id, entry_id, number, modality, institution_code, address_token, address_cipher, active,
        ${requestId}
      from incoming
    )
    update mapper_entry e
    set current_version = i.version_id
    from incoming i
    where e.id = i.entry_id`.execute(trx);
  return [...repeated, ...outcomes.filter((one): one is FailedRecord => 'failureReason' in one)];
}
