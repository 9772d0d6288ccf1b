import { badRequest } from '@govstack/platform';
import type { Filter } from '../records/list.ts';

export const defaultPageSize = 100;
/** Further than this one comes by following `next`. */
export const mostSkipped = 100_000;

/** `query.FIELD` parameters as filters; a value that begins with `^` finds texts that begin with the rest. */
export function filtersOf(query: Record<string, unknown>): Filter[] {
  return Object.entries(query)
    .filter(([name]) => name.startsWith('query.'))
    .map(([name, value]) => {
      if (typeof value !== 'string') throw badRequest(`${name} can be given once`);
      return filterOf(name.slice('query.'.length), value);
    });
}

export const filterOf = (field: string, value: string): Filter =>
  value.startsWith('^') && !value.endsWith('$')
    ? { field, operator: 'startsWith', value: value.slice(1) }
    : { field, operator: 'eq', value: value.startsWith('^') ? value.slice(1, -1) : value };

/** The address of another page of the same list, relative to this one. */
export function linkTo(query: Record<string, unknown>, values: Record<string, string | number>): string {
  const { cursor: _, page: __, ...kept } = query;
  const entries = Object.entries({ ...kept, ...values });
  return `?${new URLSearchParams(entries.map(([name, value]) => [name, String(value)] as [string, string]))}`;
}
