import { type Kysely, sql } from 'kysely';

const logs = ['change_log', 'read_log'] as const;
/** How many months ahead logs have their partitions: so long the job that makes them may fail. */
const ahead = 3;

/** Partitions of the logs for this month and those to come. */
export async function makeMonths<DB>(db: Kysely<DB>, now: Date): Promise<void> {
  await db.transaction().execute(async (trx) => {
    await sql`select pg_advisory_xact_lock(hashtext('registries/months'))`.execute(trx);
    for (const log of logs)
      for (let month = 0; month <= ahead; month += 1) {
        const first = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + month, 1));
        await sql`select make_month(${log}, ${first.toISOString().slice(0, 10)}::date)`.execute(trx);
      }
  });
}
