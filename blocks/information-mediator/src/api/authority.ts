import { type Caller, forbidden, memberOf, type Person } from '@govstack/platform';

export interface Governance {
  /** Application that governs the instance. */
  readonly application: string;
  /** Applications that may read the whole message log, besides. */
  readonly logReaders: readonly string[];
}

/** Whose part of the directory somebody may administer. */
export type Authority =
  | { readonly kind: 'all' }
  | {
      readonly kind: 'member' | 'application';
      /** The member or application; all that belongs to it is within the authority. */
      readonly id: string;
    };

/** The role of a person who administers one application of their agency: `administrator:CODE`. */
const applicationRole = /^administrator:([A-Za-z0-9'()+,\-.=?_]{1,100})$/;

/**
 * The governance application and administrators of its agency administer everything, an administrator of another agency
 * what belongs to it, the administrator of an application that one (IM-6.1-b).
 */
export function authorityOf(governance: Governance, caller: Caller, person: Person | undefined): Authority {
  if (caller.application === governance.application && !person) return { kind: 'all' };
  if (person?.agency !== undefined && person.roles.includes('administrator'))
    return person.agency === memberOf(governance.application)
      ? { kind: 'all' }
      : { kind: 'member', id: person.agency };
  const code = person?.roles.map((role) => applicationRole.exec(role)?.[1]).find(Boolean);
  if (person?.agency !== undefined && code !== undefined)
    return { kind: 'application', id: `${person.agency}/${code}` };
  throw forbidden('This needs the governance application or an administrator of the agency or application');
}

/** Whether `id` (a member, application, service or local group) belongs to what the authority is over. */
export const isWithin = (authority: Authority, id: string): boolean =>
  authority.kind === 'all' || `${id}/`.startsWith(`${authority.id}/`);

/** Refuses unless `id` (a member, application or service) is within the authority. */
export function assertAuthority(authority: Authority, id: string): void {
  if (isWithin(authority, id)) return;
  throw forbidden(`This belongs to another ${authority.kind === 'application' ? 'application' : 'agency'}`);
}
