import { conflict, notFound } from '@govstack/platform';
import { type Kysely, sql } from 'kysely';
import type { RegistryTables } from '../tables.ts';
import { discardDraft, registryRow, targetOf } from './publish.ts';
import { dropTable } from './table.ts';

type Db = Kysely<RegistryTables>;

/** Archives a published registry: read, no longer written. An archived one stays what it is. */
export async function archiveRegistry(db: Db, owner: string, code: string, by: string): Promise<void> {
  const row = await registryRow(db, owner, code);
  if (row.state === 'draft') throw conflict('Only a published registry can be archived');
  await db
    .updateTable('registry')
    .set({
      state: 'archived',
      archived_at: new Date().toISOString(),
      modified_at: new Date().toISOString(),
      modified_by: by,
      revision: sql`revision + 1`,
    })
    .where('id', '=', row.id)
    .where('state', '=', 'published')
    .execute();
}

export async function setVersionState(
  db: Db,
  owner: string,
  code: string,
  version: string,
  state: 'published' | 'deprecated',
): Promise<void> {
  const row = await registryRow(db, owner, code);
  const changed = await db
    .updateTable('registry_version')
    .set({ state })
    .where('registry_id', '=', row.id)
    .where('version', '=', version)
    .where('state', '<>', 'withdrawn')
    .executeTakeFirst();
  if (changed.numUpdatedRows === 0n) throw notFound('Registry version');
}

/** Takes a version and its API away; what was written under it stays. Repeating it changes nothing. */
export async function withdrawVersion(db: Db, owner: string, code: string, version: string): Promise<void> {
  const row = await registryRow(db, owner, code);
  await db.transaction().execute(async (trx) => {
    const versions = await trx
      .selectFrom('registry_version')
      .select(['version', 'position'])
      .where('registry_id', '=', row.id)
      .orderBy('position', 'desc')
      .forUpdate()
      .execute();
    if (!versions.some((one) => one.version === version)) throw notFound('Registry version');
    if (versions[0]?.version === version) throw conflict('The newest version cannot be deleted');
    await trx
      .updateTable('registry_version')
      .set({ state: 'withdrawn' })
      .where('registry_id', '=', row.id)
      .where('version', '=', version)
      .execute();
  });
}

const dayMs = 86_400_000;

/**
 * Deletes a registry a step at a time: a draft goes at once, a published one is archived, an archive goes with all its
 * records when it has waited long enough. Its logs stay. Answers the code, or undefined when there is none.
 */
export async function deleteRegistry(
  db: Db,
  owner: string,
  key: string,
  by: string,
  waitingDays: number,
  now: Date,
): Promise<string | undefined> {
  const row = await targetOf(db, owner, key);
  if (!row) return undefined;
  if (row.state === 'draft') await discardDraft(db, owner, row.code);
  else if (row.state === 'published' && waitingDays > 0) await archiveRegistry(db, owner, row.code, by);
  else {
    const since = row.archived_at === null ? now.getTime() : new Date(row.archived_at).getTime();
    const left = Math.ceil(waitingDays - (now.getTime() - since) / dayMs);
    if (left > 0) throw conflict(`The archive can be deleted in ${left} days`);
    await db.transaction().execute(async (trx) => {
      await dropTable(trx, row.id);
      for (const table of ['registry_version', 'registry_draft', 'registry_access'] as const)
        await trx.deleteFrom(table).where('registry_id', '=', row.id).execute();
      // The row stays for the logs, under a code that nobody can ask for.
      await trx
        .updateTable('registry')
        .set({ state: 'draft', code: `${row.code}~${row.id}`, columns: '[]', revision: sql`revision + 1` })
        .where('id', '=', row.id)
        .execute();
    });
  }
  return row.code;
}
