import { conflict, Problem, type ProblemDetail } from '@govstack/platform';
import { type Kysely, type RawBuilder, sql, type Transaction } from 'kysely';
import type { Granted, Reader } from '../access/access.ts';
import { everyField, type Registry } from '../schema/catalogue.ts';
import { converted } from '../schema/conversion.ts';
import { type Column, columnTypes, type Field, type Link, storedFields } from '../schema/field.ts';
import { targetOf } from '../schema/publish.ts';
import { tableRef } from '../schema/table.ts';
import { armed } from '../secrets/disclosure.ts';
import type { RegistryTables } from '../tables.ts';
import { eachValue, fromColumn, type Row, toColumn, type Values } from './content.ts';
import { inWordsOfTheRequest, table } from './statement.ts';

type Trx = Transaction<RegistryTables>;

/** Every field a registry ever had, as it was defined last. */
export const fieldsOf = async (trx: Kysely<RegistryTables>, registryId: string): Promise<Field[]> => {
  const rows = await trx
    .selectFrom('registry_version')
    .select('fields')
    .where('registry_id', '=', registryId)
    .orderBy('position', 'desc')
    .execute();
  return everyField(rows.map(({ fields }) => ({ fields: storedFields(fields) })));
};

/** What a link leads to: a field, or the uuid that every record has. */
export const targetField = (
  link: Link,
  fields: readonly Field[],
): Pick<Field, 'column' | 'type' | 'name'> | undefined =>
  link.field === 0
    ? { column: 'uuid', type: 'text', name: 'uuid' }
    : fields.find(({ id, secret }) => id === link.field && !secret);

export const uuidPattern = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const keyType = ({ column, type }: Pick<Field, 'column' | 'type'>) =>
  sql.raw(column === 'uuid' ? 'uuid' : columnTypes[type]);

/** Strict links must lead to a record that is there, and stays until this transaction ends. */
export async function assertLinked(
  trx: Kysely<RegistryTables>,
  registry: Registry,
  fields: readonly Field[],
  records: readonly Values[],
  pointerTo: (index: number) => string,
): Promise<void> {
  const errors: ProblemDetail[] = [];
  for (const field of fields)
    for (const link of field.links.filter(({ kind }) => kind !== 'soft')) {
      const wanted = new Map(
        eachValue(field, records, pointerTo).map(({ value, pointer }) => [String(value), pointer]),
      );
      if (wanted.size === 0) continue;
      const target = await targetOf(trx, registry.owner, link.registry);
      const named = target && targetField(link, await fieldsOf(trx, target.id));
      if (!target || !named) continue;
      // What cannot be a value there leads to nothing.
      const sought = [...wanted.keys()]
        .filter((key) => named.column !== 'uuid' || uuidPattern.test(key))
        .map((value) => converted(value, 'text', named.type))
        .filter((value) => value !== null);
      const { rows } = await inWordsOfTheRequest(
        registry.current,
        sql<{ value: unknown }>`
          select ${sql.id(named.column)} as value
          from ${tableRef(target.id)}
          where state = 'active'
            and ${sql.id(named.column)} = any(${sought.map((value) => toColumn(named.type, value))}::${keyType(named)}[])
          for share`.execute(trx),
      );
      for (const { value } of rows) wanted.delete(String(fromColumn(named.type, value)));
      for (const pointer of wanted.values())
        errors.push({
          in: 'body',
          pointer,
          detail: `leads to a record of ${target.code} that is not there`,
        });
    }
  if (errors.length > 0)
    throw new Problem(409, 'A record leads to another one that is not there', {
      type: 'urn:govstack:registries:link',
      errors: errors.slice(0, 100),
    });
}

const deepest = 1000;

/** A record whose field leads to its parent must not be above itself. */
export async function assertNoCycles(
  trx: Kysely<RegistryTables>,
  registry: Registry,
  changed: readonly Field[],
  rows: readonly Row[],
): Promise<void> {
  for (const field of registry.current)
    for (const link of field.links) {
      const key = targetField(link, registry.current);
      if (link.kind !== 'parent' || !key) continue;
      if (!changed.some(({ id }) => id === field.id || id === link.field)) continue;
      // Two changes that are each fine may make a cycle together: one waits for the other.
      await sql`select pg_advisory_xact_lock(hashtext(${`parents/${registry.id}/${field.id}`}))`.execute(trx);
      const parent = sql`t.${sql.id(field.column)}::${keyType(key)}`;
      const { rows: found } = await sql<{ deep: boolean }>`
        with recursive above(start, parent, depth) as (
          select t.uuid, ${parent}, 1
          from ${table(registry)} t
          where t.uuid = any(${rows.map(({ uuid }) => uuid)}::uuid[])
          union all
          select a.start, ${parent}, a.depth + 1
          from above a
          join ${table(registry)} t on t.${sql.id(key.column)} = a.parent
          where t.state = 'active' and t.uuid <> a.start and a.depth <= ${deepest}
        )
        select a.depth > ${deepest} as deep
        from above a
        left join ${table(registry)} t on t.${sql.id(key.column)} = a.parent and t.uuid = a.start
        where a.depth > ${deepest} or t.uuid is not null
        limit 1`.execute(trx);
      if (found.length > 0)
        throw new Problem(409, `A record would be above itself: ${field.name}`, {
          type: 'urn:govstack:registries:cycle',
        });
    }
}

type Delete = (trx: Trx, granted: Granted, reader: Reader, uuids: readonly string[]) => Promise<number>;

/** The records whose field leads to one of these values. */
export const leadsTo = (
  field: Pick<Field, 'column' | 'type'> & { list?: boolean },
  values: readonly unknown[],
): RawBuilder<unknown> =>
  field.list
    ? sql`${sql.id(field.column)} @> any(${values.map((value) => JSON.stringify([value]))}::jsonb[])`
    : sql`${sql.id(field.column)} = any(${values.map((value) => toColumn(field.type, value))}::${sql.raw(columnTypes[field.type])}[])`;

/** What deleting records does to those that lead to them: refused, deleted too, or left. Answers how many went too. */
export async function followDeletion(
  trx: Trx,
  { registry, foreign }: Granted,
  reader: Reader,
  deleted: readonly Row[],
  remove: Delete,
): Promise<number> {
  if (deleted.length === 0) return 0;
  const others = await trx
    .selectFrom('registry')
    .selectAll()
    .where('owner', '=', registry.owner)
    .where('state', '<>', 'draft')
    .execute();
  let gone = 0;
  for (const other of others) {
    const fields = other.id === registry.id ? registry.current : await fieldsOf(trx, other.id);
    for (const field of fields)
      for (const link of field.links) {
        if (link.kind === 'soft' || link.onDelete === 'orphan') continue;
        if (link.registry.toLowerCase() !== registry.code && link.registry !== registry.id) continue;
        const target = targetField(link, registry.current);
        const type = target?.type ?? 'text';
        const values = (target ? deleted : [])
          .map((row) => fromColumn(type, row[target?.column ?? 'uuid']))
          .map((value) => (field.list ? (value ?? null) : converted(value, type, field.type)))
          .filter((value) => value !== null);
        if (values.length === 0) continue;
        const { rows } = await sql<{ uuid: string }>`
          select uuid
          from ${tableRef(other.id)}
          where state = 'active'
            and ${leadsTo(field, values)}
          limit 10001`.execute(trx);
        if (rows.length === 0) continue;
        if (link.onDelete === 'refuse')
          throw conflict(`Records of ${other.code} lead to this one: ${field.name}`);
        if (rows.length > 10_000) throw conflict(`More than 10000 records of ${other.code} would go with it`);
        const [newest] = await trx
          .selectFrom('registry_version')
          .select(['version', 'fields'])
          .where('registry_id', '=', other.id)
          .orderBy('position', 'desc')
          .limit(1)
          .execute();
        const vault = await registry.keyring?.vaultOf(trx, other.id);
        const linked: Registry = {
          ...registry,
          vault,
          id: other.id,
          code: other.code,
          name: other.name,
          version: newest?.version ?? '',
          requires: other.requires,
          announce: other.announce,
          numberFormat: other.number_format,
          fields: armed(storedFields(newest?.fields ?? []), vault),
          current: armed(fields, vault),
          columns: other.columns as Column[],
          revision: other.revision,
        };
        gone += await remove(
          trx,
          { registry: linked, fields: linked.fields, rows: undefined, foreign },
          reader,
          rows.map(({ uuid }) => uuid),
        );
      }
  }
  return gone;
}
