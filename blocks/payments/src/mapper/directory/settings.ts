import { badRequest, isServiceId } from '@govstack/platform';
import { audit } from '../../audit/audit.ts';
import type { Db, Trx } from '../../tables.ts';

export interface Directory {
  /** Service that is asked. */
  readonly service: string;
  /** How long its answers are good. */
  readonly validSeconds: number;
}

export async function readDirectory(db: Db | Trx, sourceId: string): Promise<Directory | undefined> {
  const row = await db
    .selectFrom('mapper_directory')
    .select(['service', 'valid_seconds'])
    .where('source_id', '=', sourceId)
    .executeTakeFirst();
  return row && { service: row.service, validSeconds: row.valid_seconds };
}

/** Has payees of a source looked up in a directory outside, or kept by the source itself again (PAY-6.3-c). */
export async function putDirectory(
  trx: Trx,
  sourceId: string,
  directory: Directory | undefined,
  actor: string,
): Promise<void> {
  if (directory && !isServiceId(directory.service))
    throw badRequest('service must be INSTANCE/CLASS/MEMBER/APPLICATION/SERVICE');
  await trx.deleteFrom('directory_answer').where('source_id', '=', sourceId).execute();
  if (directory) {
    const values = { service: directory.service, valid_seconds: directory.validSeconds };
    await trx
      .insertInto('mapper_directory')
      .values({ source_id: sourceId, ...values })
      .onConflict((clash) => clash.column('source_id').doUpdateSet({ ...values, updated_at: new Date() }))
      .execute();
  } else await trx.deleteFrom('mapper_directory').where('source_id', '=', sourceId).execute();
  await audit(trx, {
    component: 'settings',
    action: 'put',
    subject: `directory/${sourceId}`,
    actor,
    detail: { directory: directory ?? null },
  });
}
