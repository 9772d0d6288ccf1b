import { type Caller, memberOf, notFound, type Person } from '@govstack/platform';
import type { FileRow, ServiceRow } from '../tables.ts';

export interface Asker {
  readonly caller: Caller;
  readonly person: Person | undefined;
}

/**
 * What the asker is to a service's files: the applicant (sees their own), an officer of the service's agency (sees
 * all), or the service's own application with nobody signed in (its process, an assisted channel).
 */
export type Standing =
  | { readonly kind: 'citizen'; readonly id: string }
  | { readonly kind: 'officer' }
  | { readonly kind: 'service' }
  | { readonly kind: 'none' };

const officerRoles = ['officer', 'programme-manager', 'auditor'];

export function standing(asker: Asker, service: Pick<ServiceRow, 'owner'>): Standing {
  const { caller, person } = asker;
  if (person) {
    if (person.agency === memberOf(service.owner) && person.roles.some((role) => officerRoles.includes(role)))
      return { kind: 'officer' };
    return { kind: 'citizen', id: person.id };
  }
  return caller.application === service.owner ? { kind: 'service' } : { kind: 'none' };
}

/** Another person's file looks like no file at all. */
export function assertMaySee(asker: Asker, service: ServiceRow, file: FileRow): void {
  const role = standing(asker, service);
  if (role.kind === 'officer' || role.kind === 'service') return;
  if (role.kind === 'citizen' && file.applicant === role.id && !file.assisted) return;
  throw notFound('Application');
}
