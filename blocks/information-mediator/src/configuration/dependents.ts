import { type Kysely, sql } from 'kysely';
import type { MediatorTables } from '../tables.ts';

/** An entry that something outside the configuration refers to, and what does. */
export interface Dependent {
  readonly id: string;
  readonly table: string;
}

/**
 * Entries that cannot go, because rows elsewhere name them: a subscription its subscriber, say. The database knows who
 * refers to whom, also in tables that come later; what goes with its entry (`on delete cascade`) is no obstacle.
 */
export async function dependentsOf(
  db: Kysely<MediatorTables>,
  gone: Readonly<Record<'member' | 'application' | 'service', readonly string[]>>,
): Promise<Dependent[]> {
  const { rows: references } = await sql<{ table: string; column: string; referenced: keyof typeof gone }>`
    select c.conrelid::regclass::text as table, a.attname as column, c.confrelid::regclass::text as referenced
    from pg_constraint c
    join pg_attribute a on a.attrelid = c.conrelid and a.attnum = c.conkey[1]
    where c.contype = 'f' and c.confdeltype in ('a', 'r') and cardinality(c.conkey) = 1
      and c.confrelid in ('member'::regclass, 'application'::regclass, 'service'::regclass)
      and c.conrelid not in ('application'::regclass, 'service'::regclass, 'access_right'::regclass)
    -- Without a key, since subscribers may be registered on other servers.
    union all
    select 'subscription', 'subscriber', 'application'
    order by 1, 2`.execute(db);
  const found: Dependent[] = [];
  for (const { table, column, referenced } of references) {
    if (gone[referenced].length === 0) continue;
    const { rows } = await sql<{ id: string }>`
      select distinct ${sql.ref(column)} as id
      from ${sql.table(table)}
      where ${sql.ref(column)} = any(${[...gone[referenced]]}::text[])
      order by 1`.execute(db);
    found.push(...rows.map(({ id }) => ({ id, table })));
  }
  return found;
}
