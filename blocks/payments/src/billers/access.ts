import { conflict, forbidden, type Person } from '@govstack/platform';
import type { Payments } from '../payments-context.ts';

const makers = ['biller-manager', 'programme-manager', 'payment-approver', 'administrator'];

/** Proposals come from officers of the treasury, or of the agency that looks after the biller. */
export function assertMayPropose(payments: Payments, agency: string, person: Person): void {
  const ours = person.agency === payments.treasury || person.agency === agency;
  if (person.agency === undefined || !ours || !makers.some((role) => person.roles.includes(role)))
    throw forbidden('Billers are proposed by officers of the treasury or of the biller’s agency');
}

/**
 * Whether the person has decided a proposal so before; throws 409 for a proposal decided otherwise. Only the treasury
 * lets a biller in: an agency cannot do so alone with two people of its own.
 */
export function hasDecided(
  payments: Payments,
  proposal: {
    readonly proposed_by: string;
    readonly state: 'proposed' | 'approved' | 'rejected';
    readonly decided_by: string | null;
  },
  kind: 'approved' | 'rejected',
  person: Person,
): boolean {
  const { approverRole } = payments.config;
  const may = [approverRole, 'administrator'].some((role) => person.roles.includes(role));
  if (person.agency !== payments.treasury || !may)
    throw forbidden(`Billers are approved by a ${approverRole} or administrator of the treasury`);
  if (proposal.proposed_by === person.id)
    throw forbidden('A biller is approved by another person than the one who proposed it');
  if (proposal.state === 'proposed') return false;
  if (proposal.state === kind && proposal.decided_by === person.id) return true;
  throw conflict(`The proposal was ${proposal.state} before`);
}

/** Whether a person may look at a biller's proposals. */
export const maySeeProposal = (
  payments: Payments,
  proposal: { readonly agency: string },
  person: Person,
): boolean =>
  person.agency !== undefined &&
  (person.agency === payments.treasury || person.agency === proposal.agency) &&
  [...makers, 'auditor'].some((role) => person.roles.includes(role));
