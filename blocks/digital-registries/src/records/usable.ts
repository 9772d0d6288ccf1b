import { Problem } from '@govstack/platform';
import { type Kysely, sql } from 'kysely';
import type { Granted } from '../access/access.ts';
import type { RegistryTables } from '../tables.ts';
import { table, visible } from './statement.ts';

export interface UsableRegistry {
  /** By which links can name it, as by its code. */
  readonly id: number;
  readonly code: string;
  readonly name: string;
  readonly description: string;
  /** Newest published version. */
  readonly version: string;
  readonly archived: boolean;
  /** How many records there are for the reader, up to 10,000. */
  readonly records: number;
  readonly countIsExact: boolean;
}

const mostListed = 500;
const mostCounted = 10_000;

/** Published registries of an owner that open for a reader; `open` is the gate, which refuses the others. */
export async function usableRegistries(
  db: Kysely<RegistryTables>,
  owner: string,
  only: string | undefined,
  open: (code: string) => Promise<Granted>,
): Promise<UsableRegistry[]> {
  const rows = await db
    .selectFrom('registry')
    .select(['code', 'description'])
    .where('owner', '=', owner)
    .where('state', '<>', 'draft')
    .$if(only !== undefined, (one) => one.where('code', '=', (only as string).toLowerCase()))
    .orderBy('code')
    .limit(mostListed)
    .execute();
  const usable: UsableRegistry[] = [];
  for (const { code, description } of rows) {
    const granted = await open(code).catch((error: unknown) => {
      if (error instanceof Problem && (error.status === 403 || error.status === 404)) return undefined;
      throw error;
    });
    if (!granted) continue;
    const { registry } = granted;
    const { rows: counted } = await sql<{ count: string }>`
      select count(*) as count
      from (
        select 1
        from ${table(registry)}
        where state = 'active' and ${visible(granted)}
        limit ${mostCounted + 1}
      ) as counted`.execute(db);
    const count = Number(counted[0]?.count);
    usable.push({
      id: Number(registry.id),
      code,
      name: registry.name,
      description,
      version: registry.version,
      archived: registry.archived,
      records: Math.min(count, mostCounted),
      countIsExact: count <= mostCounted,
    });
  }
  return usable;
}
