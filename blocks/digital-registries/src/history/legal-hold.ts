import { conflict } from '@govstack/platform';
import { type Kysely, sql } from 'kysely';
import type { RegistryTables } from '../tables.ts';

type Db = Kysely<RegistryTables>;

/** Records that a law or a court wants kept are neither archived, deleted nor erased. */
export async function assertNotHeld(trx: Db, registryId: string, uuids: readonly string[]): Promise<void> {
  const { rows } = await sql<{ record: string }>`
    select record
    from legal_hold
    where registry_id = ${registryId}::bigint and record = any(${[...uuids]}::uuid[])
    limit 1`.execute(trx);
  if (rows.length > 0) throw conflict('The record is under legal hold');
}

export async function putLegalHold(
  trx: Db,
  registryId: string,
  record: string,
  reason: string,
  by: string,
): Promise<void> {
  await sql`
    insert into legal_hold (registry_id, record, reason, held_by, at)
    values (${registryId}::bigint, ${record}::uuid, ${reason}, ${by}, now())
    on conflict on constraint legal_hold_pkey do update
    set reason = excluded.reason, held_by = excluded.held_by, at = excluded.at`.execute(trx);
}

/** Answers whether it was held. */
export async function deleteLegalHold(trx: Db, registryId: string, record: string): Promise<boolean> {
  const { numAffectedRows } = await sql`
    delete from legal_hold
    where registry_id = ${registryId}::bigint and record = ${record}::uuid`.execute(trx);
  return numAffectedRows === 1n;
}
