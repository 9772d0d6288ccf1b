import { type RawBuilder, sql } from 'kysely';
import { type Mask, masks } from '../api/rights/right.ts';
import { withZone } from '../records/content.ts';
import type { Registry } from '../schema/catalogue.ts';
import type { Field } from '../schema/field.ts';
import { masked } from './masked.ts';
import { all, any, type FieldOf, isSame, type Predicate, toPath, toSql } from './predicate.ts';

/** What a right says of one field. */
export interface FieldAccess {
  readonly show: 'plain' | 'hidden' | Mask;
  readonly write: boolean;
  readonly when: Predicate;
}

/** A right in force for a reader, with all that is known of them filled in. */
export interface InForce {
  readonly rows: Predicate;
  field(field: Field): FieldAccess;
}

/** A field that counts for some records only; in others it is as if it said nothing. */
export type ConditionalField = Field & { readonly when?: RawBuilder<unknown> };

/** A field that is not shown as it is in every record the reader sees. */
export interface PartialField {
  readonly field: Field;
  /** Where statements that select `shown(granted)` leave it. */
  readonly column: string;
  readonly shown: RawBuilder<unknown>;
  /** The value to show of what stands in that column. */
  value(column: unknown): unknown;
}

export interface Compiled {
  readonly fields: readonly Field[];
  readonly partial: readonly PartialField[];
  readonly asked: readonly ConditionalField[];
  readonly writable: readonly ConditionalField[];
  readonly rows: RawBuilder<unknown> | undefined;
  readonly wall: string | undefined;
  /** The rows and fields in terms of what they rest on, for explanations. */
  readonly explained: {
    readonly rows: Predicate;
    readonly fields: readonly {
      readonly field: Field;
      readonly plain: Predicate;
      readonly masked: readonly { readonly mask: Mask; readonly when: Predicate }[];
      readonly writable: Predicate;
    }[];
  };
}

/** Names of fields as rights know them: the newest definition of each, by id or by name. */
export const fieldOf =
  (registry: Registry): FieldOf =>
  (name) =>
    registry.current.find((field) => (typeof name === 'number' ? field.id === name : field.name === name));

const conditional = (field: Field, condition: Predicate, rows: Predicate): ConditionalField =>
  isSame(condition, rows) ? field : { ...field, when: toSql(condition) };

function partialField(
  field: Field,
  plain: Predicate,
  hiding: readonly { readonly mask: Mask; readonly when: Predicate }[],
  pseudonym: (field: Field) => (value: string) => string,
): PartialField {
  const column = sql.id(field.column);
  const cases = [
    ...(plain === false ? [] : [sql`when ${toSql(plain)} then jsonb_build_array('plain', ${column})`]),
    ...hiding.map(
      ({ mask, when }) => sql`when ${toSql(when)} then jsonb_build_array(${mask}::text, ${column}::text)`,
    ),
  ];
  return {
    field,
    column: `v_${field.id}`,
    shown: sql`case when ${column} is not null then case ${sql.join(cases, sql` `)} end end`,
    value(stored) {
      if (!Array.isArray(stored) || stored[1] === null) return undefined;
      const [how, value] = stored as [string, unknown];
      if (how !== 'plain') return masked(how as Mask, String(value), pseudonym(field));
      if (field.type === 'time') return withZone(value as string);
      return field.type === 'date-time' ? new Date(value as string).toISOString() : value;
    },
  };
}

/**
 * What rights together allow. A record is seen when one of them lets it be seen, and a field is shown in a record when
 * one of those that let this record be seen shows it: what one right gives never adds to the records of another.
 */
export function compileRights(
  registry: Registry,
  rights: readonly InForce[],
  pseudonym: (field: Field) => (value: string) => string,
): Compiled {
  const rows = any(rights.map((right) => right.rows));
  // Who sees no record may still ask: in the words of the fields there would be.
  const within = rows === false ? true : rows;
  const explained = registry.fields.map((field) => {
    const said = rights.map((right) => ({ ...right.field(field), rows: rows === false ? true : right.rows }));
    const under = (which: (one: FieldAccess) => boolean): Predicate =>
      any(said.filter(which).map((one) => all([one.rows, one.when])));
    return {
      field,
      plain: under(({ show }) => show === 'plain'),
      masked: masks.flatMap((mask) => {
        const when = under(({ show }) => show === mask);
        return when === false ? [] : [{ mask, when }];
      }),
      writable: under(({ write }) => write),
    };
  });
  const inAll = (predicate: Predicate): boolean => predicate !== false && isSame(predicate, within);
  const partly = explained.filter(
    ({ plain, masked }) => !inAll(plain) && (plain !== false || masked.length > 0),
  );
  return {
    fields: explained.filter(({ plain }) => inAll(plain)).map(({ field }) => field),
    partial: partly.map(({ field, plain, masked }) => partialField(field, plain, masked, pseudonym)),
    // What is masked somewhere is not asked for: order and comparison would tell what the mask hides.
    asked: explained
      .filter(({ plain, masked }) => inAll(plain) || (plain !== false && masked.length === 0))
      .map(({ field, plain }) => conditional(field, plain, within)),
    writable: explained
      .filter(({ writable }) => writable !== false)
      .map(({ field, writable }) => conditional(field, writable, within)),
    rows: rows === true ? undefined : toSql(rows),
    wall: rows === true ? undefined : toPath(rows),
    explained: { rows, fields: explained },
  };
}
