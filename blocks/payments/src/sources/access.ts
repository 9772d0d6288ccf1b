import { type Caller, forbidden, memberOf, type Person } from '@govstack/platform';
import type { Payments } from '../payments-context.ts';

/** Who did something, for logs that keep it. */
export const actorOf = (caller: Caller, person?: Person): string =>
  person ? `${caller.application} for ${person.id}` : caller.application;

/** The person of an actor that was kept; undefined of an application that acted for itself. No application has spaces. */
export function personOf(actor: string): string | undefined {
  const at = actor.indexOf(' for ');
  return at === -1 ? undefined : actor.slice(at + ' for '.length);
}

const managers = ['payment-approver', 'programme-manager', 'administrator'];
const overseers = [...managers, 'auditor'];

const refused = () => forbidden('Only the treasury administers payments');

/**
 * Records of the treasury are its own: an application of it must ask, for itself or one of its officers, or one of its
 * administrators through any application; never a custodian of its keys. Nobody gains rights by coming through the
 * treasury's application.
 */
export function assertTreasury(payments: Payments, caller: Caller, person?: Person): void {
  if (!isTreasury(payments, caller, person)) throw refused();
}

/** Whether the treasury is asking, by the same rule. */
export function isTreasury(payments: Payments, caller: Caller, person?: Person): boolean {
  const ours =
    person === undefined || (person.agency === payments.treasury && !person.roles.includes('key-custodian'));
  if (ours && memberOf(caller.application) === payments.treasury) return true;
  return ours && person?.roles.includes('administrator') === true;
}

/** The same for the work of every day, which is for people who manage payments: an auditor only looks on. */
export function operates(payments: Payments, caller: Caller, person?: Person): boolean {
  const may = person === undefined || managers.some((role) => person.roles.includes(role));
  return may && isTreasury(payments, caller, person);
}

export function assertOperates(payments: Payments, caller: Caller, person?: Person): void {
  if (!operates(payments, caller, person)) throw refused();
}

/** The same for settings, keys and budgets: an application of the treasury for itself, or one of its administrators. */
export function assertAdministers(payments: Payments, caller: Caller, person?: Person): void {
  const may = person === undefined || person.roles.includes('administrator');
  if (!may || !isTreasury(payments, caller, person)) throw refused();
}

interface Owner {
  readonly application: string;
  readonly agency: string | undefined;
}

const isOfficer = (payments: Payments, owner: Owner, person: Person, roles: readonly string[]): boolean =>
  person.agency !== undefined &&
  (person.agency === payments.treasury || person.agency === owner.agency) &&
  roles.some((role) => person.roles.includes(role));

/**
 * Whether the records of a programme may be shown: to the source itself, to the treasury, and to officers of the
 * treasury or of the programme's agency.
 */
export function maySee(payments: Payments, owner: Owner, caller: Caller, person?: Person): boolean {
  if (caller.application === owner.application) return true;
  if (!person) return memberOf(caller.application) === payments.treasury;
  return isOfficer(payments, owner, person, overseers);
}

/**
 * Who may withdraw a run, let it go on, or have what failed of it paid anew: the source itself, the treasury, and a
 * person with an office in it. An auditor only looks on, and a person has their own rights, not the application's.
 */
export function assertMayManage(payments: Payments, owner: Owner, caller: Caller, person?: Person): void {
  const may = person
    ? isOfficer(payments, owner, person, managers)
    : caller.application === owner.application || memberOf(caller.application) === payments.treasury;
  if (!may) throw forbidden('Only those who manage the programme may do this');
}
