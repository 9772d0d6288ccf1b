import { sql } from 'kysely';
import type { Payments } from '../payments-context.ts';
import { masked } from '../vault/vault.ts';

export interface MappedPayee {
  readonly payeeIdentity: string;
  readonly modality: string;
  readonly institutionCode: string | undefined;
  /** The last four characters; the whole address never leaves towards sources. */
  readonly maskedAddress: string | undefined;
  readonly active: boolean;
}

/** How payees of a source are to be paid. Payees that are not registered are left out. */
export async function lookupPayees(
  payments: Payments,
  sourceId: string,
  payeeIdentities: readonly string[],
): Promise<MappedPayee[]> {
  const { vault } = payments;
  const byToken = new Map(
    payeeIdentities.map((identity) => [vault.token(identity, `payee/${sourceId}`).toString('hex'), identity]),
  );
  const { rows } = await sql<{
    payee_token: Buffer;
    version_id: string;
    modality: string;
    institution_code: string | null;
    address_cipher: Buffer | null;
    active: boolean;
  }>`
    select e.payee_token, v.id as version_id, v.modality, v.institution_code, v.address_cipher, v.active
    from mapper_entry e
    join mapper_version v on v.id = e.current_version
    where e.source_id = ${sourceId}
      and e.payee_token = any (${[...byToken.keys()].map((hex) => Buffer.from(hex, 'hex'))}::bytea[])
    order by e.id`.execute(payments.db);
  return rows.map((row) => ({
    payeeIdentity: byToken.get(row.payee_token.toString('hex')) as string,
    modality: row.modality,
    institutionCode: row.institution_code ?? undefined,
    maskedAddress:
      row.address_cipher === null
        ? undefined
        : masked(vault.open(row.address_cipher, `address/${row.version_id}`)),
    active: row.active,
  }));
}
