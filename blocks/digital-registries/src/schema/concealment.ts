import { newColumnName, sameColumn } from './compile.ts';
import { type Column, type Field, hashColumnOf, innerType } from './field.ts';

/**
 * The columns that fields need and the table has not. A field that becomes secret gets a sealed column for every type it
 * ever had in the open, so that old versions keep their shape.
 */
export function neededColumns(
  fields: readonly Field[],
  columns: readonly Column[],
  retired: readonly Column[],
): Column[] {
  const added: Column[] = [];
  const has = (name: string): boolean => [...columns, ...added].some(({ column }) => column === name);
  const add = (column: Column): void => {
    if (!has(column.column)) added.push(column);
  };
  for (const { id, column, type, secret } of fields)
    if (secret) add({ field: id, column, type: 'sealed', of: type });
    else add({ field: id, column, type });
  for (const { id, type, secret, hash } of fields) {
    if (hash) add({ field: id, column: hash, type: 'sealed', of: type, hash: true });
    if (!secret) continue;
    for (const open of columns.filter((one) => one.field === id && one.type !== 'sealed')) {
      const of = innerType(open);
      if (sameColumn([...columns, ...added], id, of, true)) continue;
      const name = newColumnName(id, [...columns, ...retired, ...added]);
      add({ field: id, column: name, type: 'sealed', of });
    }
  }
  return added;
}

/** The column in the open whose values a sealed one takes over; of hashes, whichever has them. */
export const concealedIn = (to: Column, columns: readonly Column[]): Column | undefined =>
  to.type === 'sealed' && !to.hash
    ? columns.find(({ field, type }) => field === to.field && type === to.of)
    : undefined;

/** Fields of an older version when some of them have become secret: they look into the sealed columns. */
export const concealedFields = (
  fields: readonly Field[],
  now: readonly Field[],
  columns: readonly Column[],
): Field[] =>
  fields.map((field) => {
    const current = now.find(({ id }) => id === field.id);
    if (!current?.secret || field.secret) return field;
    const sealed = sameColumn(columns, field.id, field.type, true);
    if (!sealed) throw new Error(`field ${field.id} has no sealed column for ${field.type}`);
    const hash = columns.find(({ column }) => column === hashColumnOf(sealed.column))?.column;
    return { ...field, secret: true, searchable: false, column: sealed.column, hash };
  });
