import type { FixedFilter } from '../records/fixed-filter.ts';

/** A field by its id, under the name the view gives it. */
export interface ViewField {
  readonly field: number;
  readonly as: string;
}

/** Fields of the record that a link field leads to. */
export interface ViewJoin {
  /** The link field. */
  readonly link: number;
  /** Id of the registry it leads to. */
  readonly registry: string;
  /** The field there that has the same value, unique. */
  readonly target: number;
  readonly fields: readonly ViewField[];
}

export const aggregates = ['count', 'sum', 'avg', 'min', 'max'] as const;

export interface Measure {
  readonly function: (typeof aggregates)[number];
  /** null: of the records themselves (`count`). */
  readonly field: number | null;
  readonly as: string;
}

/** Shows records one by one. */
export interface RecordsDefinition {
  readonly kind: 'records';
  readonly fields: readonly ViewField[];
  readonly joins: readonly ViewJoin[];
  readonly filter: readonly FixedFilter[];
  readonly order: { readonly field: number; readonly descending: boolean } | null;
}

/** Shows groups of records, never one of them. */
export interface GroupsDefinition {
  readonly kind: 'groups';
  readonly by: readonly ViewField[];
  readonly measures: readonly Measure[];
  readonly filter: readonly FixedFilter[];
  /** Smallest number of records a group must have to be shown. */
  readonly minimum: number;
}

export type ViewDefinition = RecordsDefinition | GroupsDefinition;

/** The fields a view shows or looks at, with the registry they are of and where they stand in its definition. */
export function usedFields(
  registryId: string,
  definition: ViewDefinition,
): { readonly registry: string; readonly field: number; readonly pointer: string }[] {
  const used = (at: string, fields: readonly { readonly field: number | null }[], registry = registryId) =>
    fields.flatMap(({ field }, index) =>
      field === null ? [] : [{ registry, field, pointer: `/${at}/${index}/field` }],
    );
  const filter = used('filter', definition.filter);
  if (definition.kind === 'groups')
    return [...used('by', definition.by), ...used('measures', definition.measures), ...filter];
  return [
    ...used('fields', definition.fields),
    ...definition.joins.flatMap((join, index) => [
      { registry: registryId, field: join.link, pointer: `/joins/${index}/field` },
      ...used(`joins/${index}/fields`, join.fields, join.registry),
    ]),
    ...filter,
  ];
}
