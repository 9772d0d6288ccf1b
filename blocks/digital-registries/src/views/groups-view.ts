import { conflict, Problem } from '@govstack/platform';
import { type Kysely, sql } from 'kysely';
import type { Granted } from '../access/access.ts';
import { type Content, fromColumn } from '../records/content.ts';
import { narrowed } from '../records/fixed-filter.ts';
import { columnRef, inWordsOfTheRequest, table, visible } from '../records/statement.ts';
import type { RegistryTables } from '../tables.ts';
import { smallestCell } from './compile-view.ts';
import type { GroupsDefinition } from './definition.ts';
import { isClosed } from './findings.ts';

export interface Groups {
  readonly results: readonly Content[];
  /** How many groups are not shown because they are too small. */
  readonly suppressed: number;
}

const mostGroups = 10_000;

/**
 * The groups of a view, in the order of what they are grouped by. Groups that are too small are left out; when that is
 * one group only, the next smallest too, or what is missing could be computed from a total.
 */
export async function groupsOf(
  db: Kysely<RegistryTables>,
  definition: GroupsDefinition,
  whole: Granted,
): Promise<Groups> {
  const fieldOf = (id: number) => {
    const field = whole.fields.find((one) => one.id === id);
    // Less than all of it would be another statistic.
    if (!field) throw new Problem(403, 'This view is made of more than you may see');
    return field;
  };
  const by = definition.by.map(({ field, as }) => ({ field: fieldOf(field), as }));
  const measures = definition.measures.map((one) => ({
    ...one,
    field: one.field === null ? undefined : fieldOf(one.field),
  }));
  const granted = narrowed(whole, definition.filter);
  const { registry } = granted;
  const personal = registry.current.some(isClosed);
  const minimum = personal ? Math.max(definition.minimum, smallestCell) : definition.minimum;
  const columns = [
    ...by.map(({ field }, index) => sql`${columnRef(field)} as ${sql.id(`b${index}`)}`),
    ...measures.flatMap(({ function: aggregate, field }, index) => {
      const of = field ? columnRef(field) : sql`*`;
      return [
        sql`${sql.raw(aggregate)}(${of}) as ${sql.id(`m${index}`)}`,
        sql`count(${of}) as ${sql.id(`n${index}`)}`,
      ];
    }),
    sql`count(*) as n`,
  ];
  const keys = by.map(({ field }) => columnRef(field));
  const { rows } = await inWordsOfTheRequest(
    registry.current,
    sql<Record<string, unknown> & { n: string }>`
      select ${sql.join(columns)}
      from ${table(registry)}
      where state = 'active' and ${visible(granted)}
      ${keys.length > 0 ? sql`group by ${sql.join(keys)} order by ${sql.join(keys)}` : sql``}
      limit ${mostGroups + 1}`.execute(db),
  );
  if (rows.length > mostGroups) throw conflict(`The view has more than ${mostGroups} groups`);
  const isSmall = (count: unknown): boolean => Number(count) < minimum && Number(count) > 0;
  const small = new Set(rows.filter(({ n }) => isSmall(n)));
  if (small.size === 1) {
    const [next] = rows
      .filter((row) => !small.has(row))
      .sort((one, other) => Number(one.n) - Number(other.n));
    if (next) small.add(next);
  }
  return {
    suppressed: small.size,
    results: rows
      .filter((row) => !small.has(row))
      .map((row) => ({
        ...Object.fromEntries(
          by.map(({ field, as }, index) => [as, fromColumn(field.type, row[`b${index}`]) ?? null]),
        ),
        ...Object.fromEntries(
          measures.map(({ function: aggregate, field, as }, index) => {
            const value = row[`m${index}`] ?? null;
            const extreme = field && (aggregate === 'min' || aggregate === 'max');
            // Of few who said anything at all, a sum is what one of them said.
            if (value === null || isSmall(row[`n${index}`])) return [as, null];
            return [as, extreme ? fromColumn(field.type, value) : Number(value)];
          }),
        ),
      })),
  };
}
