import { badRequest, isServiceId } from '@govstack/platform';
import { type Selectable, sql } from 'kysely';
import { audit } from '../audit/audit.ts';
import type { Batch } from '../batches/read.ts';
import { readProgramme } from '../sources/programme.ts';
import { readSource } from '../sources/source.ts';
import type { Db, PaymentsTables, Trx } from '../tables.ts';

export type Check = Selectable<PaymentsTables['screening_check']>;
export type CheckSettings = Omit<Check, 'created_at' | 'updated_at'>;

/** Registers an outside check, or changes it: for all payments, those of a source, or of one of its programmes. */
export async function putCheck(trx: Trx, settings: CheckSettings, actor: string): Promise<Check> {
  if (!isServiceId(settings.service))
    throw badRequest('service must be INSTANCE/CLASS/MEMBER/APPLICATION/SERVICE');
  if (settings.source_id !== null) await readSource(trx, settings.source_id);
  if (settings.programme_id !== null) {
    if (settings.source_id === null) throw badRequest('programmeId needs the sourceId it belongs to');
    await readProgramme(trx, settings.source_id, settings.programme_id);
  }
  const { id, ...values } = settings;
  const row = await trx
    .insertInto('screening_check')
    .values(settings)
    .onConflict((clash) => clash.column('id').doUpdateSet({ ...values, updated_at: new Date() }))
    .returningAll()
    .executeTakeFirstOrThrow();
  await audit(trx, {
    component: 'settings',
    action: 'put',
    subject: `screening/${id}`,
    actor,
    detail: settings,
  });
  return row;
}

export const listChecks = (db: Db): Promise<Check[]> =>
  db.selectFrom('screening_check').selectAll().orderBy('id').limit(200).execute();

/** The checks that payments of a batch go through. */
export const checksFor = (db: Db, batch: Batch): Promise<Check[]> =>
  db
    .selectFrom('screening_check')
    .selectAll()
    .where('active', '=', true)
    .where(sql<boolean>`(source_id is null or source_id = ${batch.source_id})`)
    .where(sql<boolean>`(programme_id is null or programme_id = ${batch.programme_id})`)
    .orderBy('id')
    .execute();
