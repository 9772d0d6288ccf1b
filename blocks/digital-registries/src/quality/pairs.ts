import { badRequest, conflict, newId, notFound, Problem } from '@govstack/platform';
import { type Kysely, sql, type Transaction } from 'kysely';
import type { Granted, Reader } from '../access/access.ts';
import { contentAt } from '../history/history.ts';
import { type Content, contentOf, fieldNamed, type Row } from '../records/content.ts';
import { table, visible } from '../records/statement.ts';
import { rewrite, setState } from '../records/write.ts';
import type { Registry } from '../schema/catalogue.ts';
import type { RegistryTables } from '../tables.ts';

type Db = Kysely<RegistryTables>;
type Trx = Transaction<RegistryTables>;

export type PairState = 'open' | 'different' | 'same' | 'merged';

export interface Pair {
  readonly id: string;
  readonly records: [string, string];
  readonly score: number;
  readonly fields: string[];
  readonly state: PairState;
  readonly decidedBy: string | null;
  readonly foundAt: string;
  /** The merge that can be undone. */
  readonly merge: string | null;
}

interface Stored {
  id: string;
  first: string;
  second: string;
  score: number;
  fields: number[];
  state: PairState;
  decided_by: string | null;
  found_at: string;
  merge: string | null;
}

/** Pairs of records, the likeliest first. */
export async function listPairs(
  db: Db,
  registry: Registry,
  state: PairState,
  limit: number,
): Promise<Pair[]> {
  const { rows } = await sql<Stored>`
    select p.*, m.id as merge
    from duplicate_pair p
    left join record_merge m on m.pair = p.id and m.undone_at is null
    where p.registry_id = ${registry.id}::bigint and p.state = ${state}
    order by p.score desc, p.id
    limit ${limit}`.execute(db);
  const names = new Map(registry.current.map(({ id, name }) => [id, name]));
  return rows.map((row) => ({
    id: row.id,
    records: [row.first, row.second],
    score: Math.round(row.score * 1000) / 1000,
    fields: row.fields.flatMap((id) => names.get(id) ?? []),
    state: row.state,
    decidedBy: row.decided_by,
    foundAt: new Date(row.found_at).toISOString(),
    merge: row.merge,
  }));
}

async function lockedPair(trx: Trx, registry: Registry, id: string): Promise<Stored> {
  const { rows } = await sql<Stored>`
    select *
    from duplicate_pair
    where id = ${id}::uuid and registry_id = ${registry.id}::bigint
    for update`.execute(trx);
  if (!rows[0]) throw notFound('Pair');
  return rows[0];
}

async function settle(trx: Trx, id: string, state: PairState, by: string): Promise<void> {
  await sql`update duplicate_pair set state = ${state}, decided_by = ${by} where id = ${id}::uuid`.execute(
    trx,
  );
}

export async function decidePair(
  trx: Trx,
  registry: Registry,
  id: string,
  decision: 'same' | 'different',
  by: string,
): Promise<void> {
  const pair = await lockedPair(trx, registry, id);
  if (pair.state === 'merged') throw conflict('The records are merged already');
  await settle(trx, id, decision, by);
}

/** Rows of two records, locked in one order whoever asks. */
async function lockedRows(trx: Trx, granted: Granted, uuids: readonly string[]): Promise<Map<string, Row>> {
  const { rows } = await sql<Row>`
    select *
    from ${table(granted.registry)}
    where uuid = any(${[...uuids]}::uuid[]) and ${visible(granted)}
    order by uuid
    for update`.execute(trx);
  return new Map(rows.map((row) => [row.uuid, row]));
}

/**
 * Makes one record of two that are about the same. The survivor keeps its uuid and number, and takes the values of the
 * other in the fields named; the other goes to the archive. All of it is in the change log, and can be taken back.
 */
export async function mergePair(
  trx: Trx,
  granted: Granted,
  reader: Reader,
  id: string,
  survivor: string,
  take: readonly string[],
  by: string,
): Promise<{ readonly merge: string; readonly rowVersion: number }> {
  const pair = await lockedPair(trx, granted.registry, id);
  if (pair.state === 'merged') throw conflict('The records are merged already');
  if (survivor !== pair.first && survivor !== pair.second)
    throw badRequest('The survivor is one of the two', [
      { in: 'body', pointer: '/survivor', detail: 'is not a record of the pair' },
    ]);
  const other = survivor === pair.first ? pair.second : pair.first;
  for (const name of take) {
    const field = fieldNamed(granted.fields, name, '/take');
    if (field.unique || field.primaryKey)
      throw badRequest(`${name} tells records apart: the survivor keeps its own`);
  }
  const rows = await lockedRows(trx, granted, [survivor, other]);
  const [kept, given] = [rows.get(survivor), rows.get(other)];
  if (kept?.state !== 'active' || given?.state !== 'active')
    throw conflict('One of the records is no longer in use');
  const said = contentOf(granted.fields, given);
  const content: Content = {
    ...contentOf(granted.fields, kept),
    ...Object.fromEntries(take.map((name) => [name, said[name] ?? null])),
  };
  const [gone] = await setState(trx, granted, reader, [other], 'archived', ['active']);
  const { rowVersion } = await rewrite(trx, granted, reader, kept, content);
  const merge = newId();
  await sql`
    insert into record_merge (id, registry_id, pair, survivor, other, survivor_before, survivor_after, other_after, at)
    values (${merge}::uuid, ${granted.registry.id}::bigint, ${id}::uuid, ${survivor}::uuid, ${other}::uuid,
      ${kept.row_version}, ${rowVersion}, ${gone?.row_version ?? 0}, now())`.execute(trx);
  await settle(trx, id, 'merged', by);
  return { merge, rowVersion };
}

interface Merge {
  pair: string;
  survivor: string;
  other: string;
  survivor_before: number;
  survivor_after: number;
  other_after: number;
  undone_at: string | null;
}

/** Takes a merge back, as further changes; not when one of the records was changed since. Repeating it changes nothing. */
export async function undoMerge(
  trx: Trx,
  granted: Granted,
  reader: Reader,
  id: string,
  by: string,
): Promise<void> {
  const { rows } = await sql<Merge>`
    select *
    from record_merge
    where id = ${id}::uuid and registry_id = ${granted.registry.id}::bigint
    for update`.execute(trx);
  const [merge] = rows;
  if (!merge) throw notFound('Merge');
  if (merge.undone_at !== null) return;
  const found = await lockedRows(trx, granted, [merge.survivor, merge.other]);
  const [kept, other] = [found.get(merge.survivor), found.get(merge.other)];
  if (kept?.row_version !== merge.survivor_after || other?.row_version !== merge.other_after)
    throw new Problem(409, 'A record was changed since: the merge cannot be taken back');
  const before = await contentAt(trx, granted, merge.survivor, merge.survivor_before);
  await rewrite(trx, granted, reader, kept, before);
  await setState(trx, granted, reader, [merge.other], 'active', ['archived']);
  await sql`update record_merge set undone_at = now() where id = ${id}::uuid`.execute(trx);
  await settle(trx, merge.pair, 'same', by);
}
