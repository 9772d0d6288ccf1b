import { type Kysely, sql } from 'kysely';
import type { RegistryTables } from '../tables.ts';
import { dropStage } from './stage.ts';

/** Removes what was uploaded, gathered and written to be downloaded when its time is over; that it was, stays. */
export async function removeContents(db: Kysely<RegistryTables>, now: Date): Promise<void> {
  const { rows } = await sql<{ id: string }>`
    select id
    from transfer_import
    where content_until < ${now.toISOString()}::timestamptz
      and state not in ('waiting', 'reading', 'checking', 'writing', 'undoing')
      and (exists (select from transfer_part where transfer_id = id)
        or exists (select from transfer_fault where import_id = id)
        or to_regclass('stage.i_' || replace(id::text, '-', '')) is not null)
    union all
    select id
    from transfer_export
    where content_until < ${now.toISOString()}::timestamptz
      and state not in ('waiting', 'working')
      and exists (select from transfer_part where transfer_id = id)`.execute(db);
  for (const { id } of rows)
    await db.transaction().execute(async (trx) => {
      await trx.deleteFrom('transfer_part').where('transfer_id', '=', id).execute();
      await trx.deleteFrom('transfer_fault').where('import_id', '=', id).execute();
      await dropStage(trx, id);
      // Without its content there is nothing to go on with.
      await sql`
        update transfer_import
        set parts = 0, state = case when state = 'uploading' then 'cancelled' else state end
        where id = ${id}`.execute(trx);
      await trx.updateTable('transfer_export').set({ parts: 0 }).where('id', '=', id).execute();
    });
}
