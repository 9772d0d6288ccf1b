import { type Caller, forbidden, memberOf, type Person } from '@govstack/platform';
import type { Payments } from '../payments-context.ts';

/** Who did something, for logs that keep it. */
export const actorOf = (caller: Caller, person?: Person): string =>
  person ? `${caller.application} for ${person.id}` : caller.application;

/** Settings and money of the treasury are its own: an application of it, or one of its administrators, must ask. */
export function assertTreasury(payments: Payments, caller: Caller, person?: Person): void {
  if (memberOf(caller.application) === payments.treasury) return;
  if (person?.agency === payments.treasury && person.roles.includes('administrator')) return;
  throw forbidden('Only the treasury administers payments');
}

const overseers = ['payment-approver', 'programme-manager', 'administrator', 'auditor'];

/**
 * Whether the records of a programme may be shown: to the source itself, to the treasury, and to officers of the
 * treasury or of the programme's agency.
 */
export function maySee(
  payments: Payments,
  owner: { readonly application: string; readonly agency: string | undefined },
  caller: Caller,
  person?: Person,
): boolean {
  if (caller.application === owner.application) return true;
  if (!person) return memberOf(caller.application) === payments.treasury;
  const ours = person.agency === payments.treasury || person.agency === owner.agency;
  return person.agency !== undefined && ours && overseers.some((role) => person.roles.includes(role));
}
