import { type Caller, forbidden, memberOf, type Person } from '@govstack/platform';
import type { Payments } from '../payments-context.ts';

/** Members whose officers administer vouchers: the treasury, and the agency of the programme that backs them. */
const offices = (payments: Payments, agency: string | undefined): (string | undefined)[] => [
  payments.treasury,
  agency,
];

const holds = (person: Person, roles: readonly string[]): boolean =>
  roles.some((role) => person.roles.includes(role));

/** Whether somebody administers the vouchers of a programme: officers with that role, or the treasury's application. */
export function mayAdminister(
  payments: Payments,
  agency: string | undefined,
  caller: Caller,
  person?: Person,
): boolean {
  if (!person) return memberOf(caller.application) === payments.treasury;
  return (
    person.agency !== undefined &&
    offices(payments, agency).includes(person.agency) &&
    holds(person, [payments.config.voucherAdministratorRole, 'administrator'])
  );
}

export function assertVoucherAdministrator(
  payments: Payments,
  agency: string | undefined,
  caller: Caller,
  person?: Person,
): void {
  if (!mayAdminister(payments, agency, caller, person))
    throw forbidden('Only voucher administrators of the treasury or the programme may do this');
}

/** Whether somebody may look at vouchers and stock without administering them. */
export function mayOversee(
  payments: Payments,
  agency: string | undefined,
  caller: Caller,
  person?: Person,
): boolean {
  if (mayAdminister(payments, agency, caller, person)) return true;
  return (
    person?.agency !== undefined &&
    offices(payments, agency).includes(person.agency) &&
    holds(person, ['auditor', 'programme-manager'])
  );
}

export function assertVoucherOverseer(
  payments: Payments,
  agency: string | undefined,
  caller: Caller,
  person?: Person,
): void {
  if (!mayOversee(payments, agency, caller, person))
    throw forbidden('Only those who administer or oversee vouchers may see this');
}
