import { conflict, Problem, type ProblemDetail } from '@govstack/platform';
import { sql, type Transaction } from 'kysely';
import type { Granted, Reader } from '../access/access.ts';
import { everyField, type Registry } from '../schema/catalogue.ts';
import { type Column, columnTypes, type Field, storedFields } from '../schema/field.ts';
import { targetOf } from '../schema/publish.ts';
import { tableRef } from '../schema/table.ts';
import type { RegistryTables } from '../tables.ts';
import { fromColumn, type Row, toColumn, type Values } from './content.ts';

type Trx = Transaction<RegistryTables>;

const fieldsOf = async (trx: Trx, registryId: string): Promise<Field[]> => {
  const rows = await trx
    .selectFrom('registry_version')
    .select('fields')
    .where('registry_id', '=', registryId)
    .orderBy('position', 'desc')
    .execute();
  return everyField(rows.map(({ fields }) => ({ fields: storedFields(fields) })));
};

/** Strict links must lead to a record that is there, and stays until this transaction ends. */
export async function assertLinked(
  trx: Trx,
  registry: Registry,
  fields: readonly Field[],
  records: readonly Values[],
  pointerTo: (index: number) => string,
): Promise<void> {
  const errors: ProblemDetail[] = [];
  for (const field of fields)
    for (const link of field.links.filter(({ kind }) => kind === 'strict')) {
      const wanted = new Map<string, number>();
      for (const [index, values] of records.entries()) {
        const value = values.get(field.id) ?? null;
        if (value !== null) wanted.set(String(value), index);
      }
      if (wanted.size === 0) continue;
      const target = await targetOf(trx, registry.owner, link.registry);
      const named = target && (await fieldsOf(trx, target.id)).find(({ id }) => id === link.field);
      if (!target || !named) continue;
      const { rows } = await sql<{ value: unknown }>`
        select ${sql.id(named.column)} as value
        from ${tableRef(target.id)}
        where state = 'active'
          and ${sql.id(named.column)} = any(${[...wanted.keys()].map((value) => toColumn(named.type, value))}::${sql.raw(columnTypes[named.type])}[])
        for share`.execute(trx);
      for (const { value } of rows) wanted.delete(String(fromColumn(named.type, value)));
      for (const [, index] of wanted)
        errors.push({
          in: 'body',
          pointer: `${pointerTo(index)}/${field.name.replaceAll('~', '~0').replaceAll('/', '~1')}`,
          detail: `leads to a record of ${target.code} that is not there`,
        });
    }
  if (errors.length > 0)
    throw new Problem(409, 'A record leads to another one that is not there', {
      type: 'urn:govstack:registries:link',
      errors: errors.slice(0, 100),
    });
}

type Delete = (trx: Trx, granted: Granted, reader: Reader, uuids: readonly string[]) => Promise<number>;

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
        if (link.kind !== 'strict' || link.onDelete === 'orphan') continue;
        if (link.registry.toLowerCase() !== registry.code && link.registry !== registry.id) continue;
        const target = registry.current.find(({ id }) => id === link.field);
        const values = target && deleted.map((row) => row[target.column]).filter((value) => value !== null);
        if (!target || !values || values.length === 0) continue;
        const { rows } = await sql<{ uuid: string }>`
          select uuid
          from ${tableRef(other.id)}
          where state = 'active'
            and ${sql.id(field.column)} = any(${values.map((value) => toColumn(field.type, fromColumn(target.type, value)))}::${sql.raw(columnTypes[field.type])}[])
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
        const linked: Registry = {
          ...registry,
          id: other.id,
          code: other.code,
          name: other.name,
          version: newest?.version ?? '',
          requires: other.requires,
          announce: other.announce,
          numberFormat: other.number_format,
          fields: storedFields(newest?.fields ?? []),
          current: fields,
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
