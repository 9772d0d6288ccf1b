import { Problem } from '@govstack/platform';
import type { Viewer } from '../backend.ts';
import { memberOfId } from '../mediated/names.ts';

/** Applications of an agency that own registries, with the code of each. */
export type Owners = (agency: string | undefined) => readonly string[];

/** A registry in the portal's addresses. */
export interface Place {
  /** Application that owns it. */
  readonly owner: string;
  readonly code: string;
  /** As it stands in addresses. */
  readonly key: string;
  readonly base: string;
}

const applicationCode = (owner: string): string => owner.split('/').at(-1) as string;

/** The application that gives a service. */
export const ownerOf = (service: string): string => service.split('/').slice(0, 4).join('/');

/** Which applications own registries, from the services whose read logs are shown. */
export function ownersFrom(services: readonly { readonly service: string }[]): Owners {
  const owners = services.map(({ service }) => ownerOf(service));
  return (agency) => owners.filter((owner) => agency !== undefined && memberOfId(owner) === agency);
}

/** `code` where the agency has one application with registries, else `application.code`. */
export function placeOf(owners: readonly string[], owner: string, code: string): Place {
  const key = owners.length > 1 ? `${applicationCode(owner)}.${code}` : code;
  return { owner, code, key, base: `/registries/${encodeURIComponent(key)}` };
}

/** The registry an address names, of the viewer's own agency. */
export function placeAt(owners: Owners, { agency }: Viewer, key: string): Place {
  const mine = owners(agency);
  const [application, code] = mine.length > 1 ? key.split('.', 2) : [undefined, key];
  const owner =
    application === undefined ? mine[0] : mine.find((one) => applicationCode(one) === application);
  if (owner === undefined || code === undefined || !/^[a-z][a-z0-9-]{0,59}$/.test(code))
    throw new Problem(404, 'no such registry');
  return placeOf(mine, owner, code);
}
