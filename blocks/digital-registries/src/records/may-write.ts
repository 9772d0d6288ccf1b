import { forbidden } from '@govstack/platform';
import { type Kysely, sql } from 'kysely';
import type { Granted } from '../access/access.ts';
import type { RegistryTables } from '../tables.ts';
import { table, visible } from './statement.ts';
import { behindWall } from './wall.ts';

/**
 * Refuses to write fields of records where the reader may not: asked before a change of what the records say, and after
 * it of what they would say then, so that no record leaves the rights under which it is written.
 */
export async function assertMayWrite(
  trx: Kysely<RegistryTables>,
  granted: Granted,
  uuids: readonly string[],
  fields: Iterable<number>,
): Promise<void> {
  const written = new Set(fields);
  const conditions = (granted.writable ?? []).flatMap(({ id, when }) =>
    when && written.has(id) ? [when] : [],
  );
  if (uuids.length === 0 || (granted.rows === undefined && conditions.length === 0)) return;
  const { rows } = await behindWall(trx, granted, (walled) =>
    sql<{ count: string }>`
      select count(*) as count
      from ${table(granted.registry)}
      where uuid = any(${[...uuids]}::uuid[]) and ${sql.join([visible(granted), ...conditions], sql` and `)}`.execute(
      walled,
    ),
  );
  if (Number(rows[0]?.count) < uuids.length) throw forbidden('You may not write this in such a record');
}
