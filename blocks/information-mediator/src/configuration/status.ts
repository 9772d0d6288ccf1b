import { type Kysely, sql } from 'kysely';
import type { MediatorTables } from '../tables.ts';
import type { ConfigurationManager } from './manage.ts';

/** What stands against this mediator being configured, up and running (IM-8.6.1-b); nothing: it is. */
export async function failuresOf(
  db: Kysely<MediatorTables>,
  manager: ConfigurationManager,
): Promise<string[]> {
  const checks: [string, () => Promise<boolean>][] = [
    ['the instance is not configured', () => manager.isConfigured()],
    [
      'the mediator is in maintenance mode',
      async () => (await db.selectFrom('maintenance').select('one').executeTakeFirst()) === undefined,
    ],
    [
      'evidence cannot be recorded',
      async () => {
        const { rows } = await sql<{ writable: boolean }>`
          select has_table_privilege('message_log', 'insert') and not pg_is_in_recovery() as writable
          from chain_head`.execute(db);
        return rows[0]?.writable === true;
      },
    ],
  ];
  const failures: string[] = [];
  for (const [failure, holds] of checks) if (!(await holds().catch(() => false))) failures.push(failure);
  return failures;
}
