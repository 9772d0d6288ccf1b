import { Problem } from '@govstack/platform';
import { input, type SignedInVisit } from '../site/visit.ts';

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** The record in an address; records are addressed by uuid, which says nothing about anybody. */
export function recordIn(visit: SignedInVisit): string {
  const id = visit.params.record as string;
  if (!uuid.test(id)) throw new Problem(404, 'no such record');
  return id;
}

export const isUuid = (value: unknown): value is string => typeof value === 'string' && uuid.test(value);

/** Records that were ticked in a list. */
export const chosenIn = (visit: SignedInVisit): string[] => [visit.body.record ?? []].flat().filter(isUuid);

/** A place in a list: which list, which page. */
export interface ListPlace {
  readonly list: string;
  readonly page: number;
}

export const placeInList = (list: string | undefined, page: string | undefined): ListPlace => ({
  list: list !== undefined && uuid.test(list) ? list : '',
  page: /^[1-9]\d{0,4}$/.test(page ?? '') ? Number(page) : 1,
});

export const listAddress = (base: string, { list, page }: ListPlace, hash = ''): string => {
  const query = new URLSearchParams({
    ...(list === '' ? {} : { list }),
    ...(page > 1 ? { page: String(page) } : {}),
  });
  return `${base}/records${query.size > 0 ? `?${query}` : ''}${hash}`;
};

/** Where a form said that it came from, if that was a list. */
export const cameFrom = (visit: SignedInVisit): ListPlace | undefined =>
  input(visit, '_from') === 'list' ? placeInList(input(visit, '_list'), input(visit, '_page')) : undefined;
