import type { JobSpec, Jobs } from '@govstack/platform';
import type { Kysely } from 'kysely';
import type { RegistryTables } from '../tables.ts';
import { underWay } from './imports.ts';
import { removeContents } from './retention.ts';
import { type ExportParts, exporter } from './run-export.ts';
import { type ImportParts, importer } from './run-import.ts';

export const importJob = 'import-records';
export const exportJob = 'export-records';

/** At the start of a node: imports and exports that a dead one left are gone on with at once. */
export async function goOn(db: Kysely<RegistryTables>, jobs: Jobs): Promise<void> {
  await db.transaction().execute(async (trx) => {
    const imports = await trx
      .selectFrom('transfer_import')
      .select('id')
      .where('state', 'in', [...underWay])
      .execute();
    for (const { id } of imports) await jobs.send(trx, importJob, { importId: id }, { singletonKey: id });
    const exports = await trx
      .selectFrom('transfer_export')
      .select('id')
      .where('state', 'in', ['waiting', 'working'])
      .execute();
    for (const { id } of exports) await jobs.send(trx, exportJob, { exportId: id }, { singletonKey: id });
  });
}

const longWork = { concurrency: 2, expireInSeconds: 12 * 3600 };

/** Imports, exports, and the end of what they kept. */
export const transferJobs = (parts: ImportParts & ExportParts & { readonly now: () => Date }): JobSpec[] => [
  {
    name: importJob,
    ...longWork,
    handle: (data, signal) => importer(parts)(data as { readonly importId: string }, signal),
  },
  {
    name: exportJob,
    ...longWork,
    handle: (data, signal) => exporter(parts)(data as { readonly exportId: string }, signal),
  },
  {
    name: 'remove-transfers',
    schedule: { cron: '41 2 * * *', timeZone: 'UTC' },
    handle: () => removeContents(parts.db, parts.now()),
  },
];
