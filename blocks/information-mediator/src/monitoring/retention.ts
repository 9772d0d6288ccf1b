import { type Kysely, sql } from 'kysely';
import type { MediatorTables } from '../tables.ts';
import { eraseOldEnvironment } from './environment/history.ts';
import { dropOldRecords } from './operational-data.ts';
import type { MonitoringSettings } from './settings.ts';
import { eraseOldLines } from './system-log.ts';

/** Erases what is older than the settings say. */
export async function eraseOldMonitoringData(
  db: Kysely<MediatorTables>,
  settings: MonitoringSettings,
  now: Date,
): Promise<void> {
  const ago = (days: number): Date => new Date(now.getTime() - days * 86_400_000);
  await dropOldRecords(db, settings.operationalDataDays, now);
  await sql`
    delete from exchange_statistics
    where hour < ${ago(settings.statisticsDays)}`.execute(db);
  await eraseOldEnvironment(db, ago(settings.environmentDays));
  await eraseOldLines(db, ago(settings.systemLogDays), settings.systemLogLines);
}
