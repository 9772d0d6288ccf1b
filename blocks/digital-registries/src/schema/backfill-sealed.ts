import { type Kysely, sql } from 'kysely';
import { comparable, fromColumn, toColumn } from '../records/content.ts';
import { fieldContext, type Vault } from '../secrets/vault.ts';
import type { RegistryTables } from '../tables.ts';
import { converted } from './conversion.ts';
import { type Column, columnTypes, innerType } from './field.ts';
import { tableRef } from './table.ts';

const batch = 1000;
export const firstUuid = '00000000-0000-0000-0000-000000000000';

/** A value of one column as another one keeps it, either or both of them sealed. */
function moved(vault: Vault, from: Column, to: Column, stored: unknown): unknown {
  const context = fieldContext(to.field);
  const value =
    from.type === 'sealed' ? vault.open(context, stored as Uint8Array) : fromColumn(from.type, stored);
  const read = converted(value, innerType(from), innerType(to));
  if (read === null) return null;
  if (to.type !== 'sealed') return toColumn(to.type, read);
  return to.hash ? vault.hash(context, comparable(innerType(to), read)) : vault.seal(context, read);
}

/** Fills a column from another one of the same field when one of them is sealed: the database cannot, it has no keys. */
export async function backfillSealed(
  db: Kysely<RegistryTables>,
  registryId: string,
  vault: Vault | undefined,
  from: Column,
  to: Column,
): Promise<void> {
  if (!vault) throw new Error(`registry ${registryId} has no key`);
  const [source, target] = [sql.id(from.column), sql.id(to.column)];
  for (let after = firstUuid; ; ) {
    const { rows } = await sql<{ uuid: string; stored: unknown }>`
      select uuid, ${source} as stored
      from ${tableRef(registryId)}
      where uuid > ${after}::uuid and ${source} is not null and ${target} is null
      order by uuid
      limit ${batch}`.execute(db);
    const last = rows.at(-1);
    if (!last) return;
    const values = rows.map(({ stored }) => moved(vault, from, to, stored));
    await sql`
      update ${tableRef(registryId)} t
      set ${target} = n.value
      from unnest(
        ${rows.map(({ uuid }) => uuid)}::uuid[],
        ${values}::${sql.raw(columnTypes[to.type])}[]
      ) as n(uuid, value)
      where t.uuid = n.uuid and t.${target} is null and t.${source} is not null`.execute(db);
    after = last.uuid;
  }
}
