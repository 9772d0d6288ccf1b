import { type Person, Problem } from '@govstack/platform';
import type { WorkflowService } from '../service.ts';

/** The agency whose processes a person designs. Throws 403. */
export function agencyOfDesigner(service: WorkflowService, person: Person): string {
  const { agency } = person;
  if (agency === undefined || !person.roles.some((role) => service.designerRoles.includes(role))) {
    throw new Problem(403, 'Only a designer of processes may do this');
  }
  return agency;
}

/** The agency, once it is clear that the application is one of it. Throws 403. */
export function checkOwner(service: WorkflowService, person: Person, application: string): string {
  const agency = agencyOfDesigner(service, person);
  if (!application.startsWith(`${agency}/`)) {
    throw new Problem(403, 'The application belongs to another agency');
  }
  return agency;
}
