import { conflict, notFound } from '@govstack/platform';
import { type Kysely, sql } from 'kysely';
import { type Actor, logSchema } from '../history/schema-log.ts';
import type { RegistryTables } from '../tables.ts';
import { discardDraft, registryRow, targetOf } from './publish.ts';
import { dropTable } from './table.ts';

type Db = Kysely<RegistryTables>;

/** Archives a published registry: read, no longer written. An archived one stays what it is. */
export async function archiveRegistry(db: Db, owner: string, code: string, by: Actor): Promise<void> {
  const row = await registryRow(db, owner, code);
  if (row.state === 'draft') throw conflict('Only a published registry can be archived');
  await db.transaction().execute(async (trx) => {
    const archived = await trx
      .updateTable('registry')
      .set({
        state: 'archived',
        archived_at: new Date().toISOString(),
        modified_at: new Date().toISOString(),
        modified_by: by.name,
        revision: sql`revision + 1`,
      })
      .where('id', '=', row.id)
      .where('state', '=', 'published')
      .executeTakeFirst();
    if (archived.numUpdatedRows === 0n) return;
    await logSchema(trx, by, {
      registry: row,
      action: 'archive',
      before: { state: row.state },
      after: { state: 'archived' },
    });
  });
}

export async function setVersionState(
  db: Db,
  owner: string,
  code: string,
  version: string,
  state: 'published' | 'deprecated',
  by: Actor,
): Promise<void> {
  const row = await registryRow(db, owner, code);
  await db.transaction().execute(async (trx) => {
    const before = await trx
      .selectFrom('registry_version')
      .select('state')
      .where('registry_id', '=', row.id)
      .where('version', '=', version)
      .where('state', '<>', 'withdrawn')
      .forUpdate()
      .executeTakeFirst();
    if (!before) throw notFound('Registry version');
    await moveVersion(trx, row, version, before.state, state, by);
  });
}

async function moveVersion(
  trx: Db,
  row: { readonly id: string; readonly owner: string; readonly code: string },
  version: string,
  from: string,
  to: 'published' | 'deprecated' | 'withdrawn',
  by: Actor,
): Promise<void> {
  if (from === to) return;
  await trx
    .updateTable('registry_version')
    .set({ state: to })
    .where('registry_id', '=', row.id)
    .where('version', '=', version)
    .execute();
  await logSchema(trx, by, {
    registry: row,
    action: 'version',
    before: { version, state: from },
    after: { version, state: to },
  });
}

/** Takes a version and its API away; what was written under it stays. Repeating it changes nothing. */
export async function withdrawVersion(
  db: Db,
  owner: string,
  code: string,
  version: string,
  by: Actor,
): Promise<void> {
  const row = await registryRow(db, owner, code);
  await db.transaction().execute(async (trx) => {
    const versions = await trx
      .selectFrom('registry_version')
      .select(['version', 'position', 'state'])
      .where('registry_id', '=', row.id)
      .orderBy('position', 'desc')
      .forUpdate()
      .execute();
    const found = versions.find((one) => one.version === version);
    if (!found) throw notFound('Registry version');
    if (versions[0] === found) throw conflict('The newest version cannot be deleted');
    await moveVersion(trx, row, version, found.state, 'withdrawn', by);
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
  by: Actor,
  waitingDays: number,
  now: Date,
): Promise<string | undefined> {
  const row = await targetOf(db, owner, key);
  if (!row) return undefined;
  if (row.state === 'draft') await discardDraft(db, owner, row.code, by);
  else if (row.state === 'published' && waitingDays > 0) await archiveRegistry(db, owner, row.code, by);
  else {
    const since = row.archived_at === null ? now.getTime() : new Date(row.archived_at).getTime();
    const left = Math.ceil(waitingDays - (now.getTime() - since) / dayMs);
    if (left > 0) throw conflict(`The archive can be deleted in ${left} days`);
    await db.transaction().execute(async (trx) => {
      await dropTable(trx, row.id);
      for (const table of [
        'registry_version',
        'registry_draft',
        'registry_access',
        'access_right',
        'rights_template_use',
        'standing_rights',
        'document',
        'registry_service',
        'registry_service_use',
        'registry_view',
        'share_link',
      ] as const)
        await trx.deleteFrom(table).where('registry_id', '=', row.id).execute();
      // The row stays for the logs, under a code that nobody can ask for.
      await trx
        .updateTable('registry')
        .set({
          state: 'draft',
          code: `${row.code}~${row.id}`,
          columns: '[]',
          retired_columns: '[]',
          to_conceal: false,
          revision: sql`revision + 1`,
        })
        .where('id', '=', row.id)
        .execute();
      await logSchema(trx, by, { registry: row, action: 'delete', before: { state: row.state } });
    });
  }
  return row.code;
}
