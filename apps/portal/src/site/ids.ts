import { Problem } from '@govstack/platform';
import type { SignedInVisit } from './visit.ts';

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export const isUuid = (value: unknown): value is string => typeof value === 'string' && uuid.test(value);

/** The id in an address; what cannot be one is not found. */
export function idIn(visit: SignedInVisit, name: string): string {
  const id = visit.params[name];
  if (!isUuid(id)) throw new Problem(404, 'no such thing');
  return id;
}

/** An id in the query, when it is one. */
export const cursorIn = (visit: SignedInVisit, name: string): string | undefined => {
  const id = visit.query[name];
  return isUuid(id) ? id : undefined;
};
