import { type Caller, forbidden, memberOf, type Person } from '@govstack/platform';

export interface Governance {
  /** Application that governs the instance. */
  readonly application: string;
  /** Applications that may read the whole message log, besides. */
  readonly logReaders: readonly string[];
}

/** Whose part of the directory somebody may administer. */
export type Authority = { readonly kind: 'all' } | { readonly kind: 'member'; readonly member: string };

/** The governance application administers everything, an administrator what belongs to their agency (IM-6.1-b). */
export function authorityOf(governance: Governance, caller: Caller, person: Person | undefined): Authority {
  if (caller.application === governance.application && !person) return { kind: 'all' };
  if (person?.agency !== undefined && person.roles.includes('administrator'))
    return person.agency === memberOf(governance.application)
      ? { kind: 'all' }
      : { kind: 'member', member: person.agency };
  throw forbidden('This needs the governance application or an administrator of the agency');
}

/** Refuses unless `id` (a member, application or service) is within the authority. */
export function assertAuthority(authority: Authority, id: string): void {
  if (authority.kind === 'all' || memberOf(id) === authority.member) return;
  throw forbidden('This belongs to another agency');
}
