import { newId, notFound } from '@govstack/platform';
import { type Kysely, sql } from 'kysely';
import { table } from '../records/statement.ts';
import type { Catalogue, Registry } from '../schema/catalogue.ts';
import type { RegistryTables } from '../tables.ts';
import { pairsOf, withThreshold } from './duplicates.ts';

type Db = Kysely<RegistryTables>;

export const searchJob = 'search-for-duplicates';

export interface DuplicateSearch {
  readonly id: string;
  readonly state: string;
  readonly looked: number;
  readonly found: number;
}

export async function beginSearch(trx: Db, registry: Registry): Promise<string> {
  const id = newId();
  await sql`
    insert into duplicate_search (id, registry_id, started_at)
    values (${id}::uuid, ${registry.id}::bigint, now())`.execute(trx);
  return id;
}

export async function readSearch(db: Db, registry: Registry, id: string): Promise<DuplicateSearch> {
  const { rows } = await sql<{ id: string; done: boolean; looked: number; found: number }>`
    select id, done, looked, found
    from duplicate_search
    where id = ${id}::uuid and registry_id = ${registry.id}::bigint`.execute(db);
  const [row] = rows;
  if (!row) throw notFound('Search');
  return { id: row.id, state: row.done ? 'done' : 'running', looked: row.looked, found: row.found };
}

const batch = 200;

/** Looks at the next records of a search, in one transaction with how far it is. Answers whether there are more. */
async function lookOn(db: Db, registry: Registry, id: string): Promise<boolean> {
  const rules = registry.duplicates;
  return db.transaction().execute(async (trx) => {
    const { rows } = await sql<{ after: string; done: boolean }>`
      select after, done
      from duplicate_search
      where id = ${id}::uuid
      for update`.execute(trx);
    const [search] = rows;
    if (!search || search.done) return false;
    if (!rules) {
      await sql`update duplicate_search set done = true where id = ${id}::uuid`.execute(trx);
      return false;
    }
    await withThreshold(trx);
    const page = sql`(
      select *
      from ${table(registry)}
      where state = 'active' and uuid > ${search.after}::uuid
      order by uuid
      limit ${batch}
    )`;
    const looked = await sql<{ last: string | null; n: number }>`
      select (array_agg(uuid order by uuid desc))[1] as last, count(*)::integer as n
      from ${page} page`.execute(trx);
    const { last, n } = looked.rows[0] as { last: string | null; n: number };
    const made = await sql`
      insert into duplicate_pair (id, registry_id, first, second, score, fields, found_at)
      select gen_random_uuid(), ${registry.id}::bigint, sought, record, score, fields, now()
      from (${pairsOf(registry, rules.rules, rules.threshold, page, sql`true`, true)}) found
      on conflict on constraint duplicate_pair_records_key do nothing`.execute(trx);
    await sql`
      update duplicate_search
      set after = coalesce(${last}::uuid, after), looked = looked + ${n}, found = found + ${Number(made.numAffectedRows ?? 0n)},
        done = ${n < batch}
      where id = ${id}::uuid`.execute(trx);
    return n === batch;
  });
}

/** Carries a search out, or goes on with it where it was interrupted. */
export async function runSearch(
  db: Db,
  catalogue: Catalogue,
  id: string,
  signal: AbortSignal,
): Promise<void> {
  const { rows } = await sql<{ owner: string; code: string }>`
    select r.owner, r.code
    from duplicate_search s
    join registry r on r.id = s.registry_id
    where s.id = ${id}::uuid and not s.done`.execute(db);
  const [of] = rows;
  if (!of) return;
  const { registry } = await catalogue.find(of.owner, of.code, 'latest');
  while (await lookOn(db, registry, id)) signal.throwIfAborted();
}
