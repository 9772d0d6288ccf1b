import { badRequest } from '@govstack/platform';

const defaultPageSize = 100;

export interface PageRequest {
  readonly limit: number;
  /** Key of the last item of the page before; empty for the first page. */
  readonly after: string;
}

export function pageOf(query: { readonly pageSize?: number; readonly pageToken?: string }): PageRequest {
  const after =
    query.pageToken === undefined ? '' : Buffer.from(query.pageToken, 'base64url').toString('utf8');
  if (query.pageToken !== undefined && after === '')
    throw badRequest('The page token is not valid', [
      { in: 'query', pointer: '/pageToken', detail: 'is not a token of a page before' },
    ]);
  return { limit: query.pageSize ?? defaultPageSize, after };
}

/** A page of items read with one more than was asked for. */
export function page<T>(
  items: readonly T[],
  { limit }: PageRequest,
  keyOf: (item: T) => string,
): { items: T[]; nextPageToken?: string } {
  const shown = items.slice(0, limit);
  const last = shown.at(-1);
  return {
    items: shown,
    ...(items.length > limit && last !== undefined
      ? { nextPageToken: Buffer.from(keyOf(last)).toString('base64url') }
      : {}),
  };
}

/** A page of items that are in memory, sorted by key. */
export const pageFrom = <T>(
  items: readonly T[],
  request: PageRequest,
  keyOf: (item: T) => string,
): { items: T[]; nextPageToken?: string } =>
  page(
    items
      .toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))
      .filter((item) => keyOf(item) > request.after)
      .slice(0, request.limit + 1),
    request,
    keyOf,
  );
