import { idIn, isUuid } from '../site/ids.ts';
import { input, type SignedInVisit } from '../site/visit.ts';

/** The record in an address; records are addressed by uuid, which says nothing about anybody. */
export const recordIn = (visit: SignedInVisit): string => idIn(visit, 'record');

/** Records that were ticked in a list. */
export const chosenIn = (visit: SignedInVisit): string[] => [visit.body.record ?? []].flat().filter(isUuid);

/** A place in a list: which list, which page. */
export interface ListPlace {
  readonly list: string;
  readonly page: number;
}

export const placeInList = (list: string | undefined, page: string | undefined): ListPlace => ({
  list: isUuid(list) ? list : '',
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
