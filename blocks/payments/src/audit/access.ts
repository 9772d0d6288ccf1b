import { type Caller, forbidden, memberOf, type Person } from '@govstack/platform';
import type { Payments } from '../payments-context.ts';
import { maySee } from '../sources/access.ts';
import { sourceOfCaller } from '../sources/source.ts';

const ofTreasury = (
  payments: Payments,
  caller: Caller,
  person: Person | undefined,
  roles: readonly string[],
): boolean =>
  person
    ? person.agency === payments.treasury && roles.some((role) => person.roles.includes(role))
    : memberOf(caller.application) === payments.treasury;

/** Everything on record is shown to the treasury's own auditors and administrators, and its application (PAY-6.12-k). */
export function assertMayAudit(payments: Payments, caller: Caller, person: Person | undefined): void {
  if (!ofTreasury(payments, caller, person, ['auditor', 'administrator']))
    throw forbidden('Only the treasury’s auditors look into its records');
}

/** Keys are in the hands of people who administer nothing else (PAY-6.2.5-e). */
export function assertKeyCustodian(payments: Payments, person: Person): void {
  const custodian = person.agency === payments.treasury && person.roles.includes('key-custodian');
  if (!custodian || person.roles.includes('administrator'))
    throw forbidden('Keys are kept by a key custodian who is no administrator');
}

/** What of all runs somebody may look at: everything, those of an agency's programmes, or a source's own. */
export interface Scope {
  readonly agency?: string;
  readonly sourceId?: string;
}

/** The scope of the treasury, of officers of a programme's agency, and of a source. Everybody else is refused. */
export async function scopeOf(
  payments: Payments,
  caller: Caller,
  person: Person | undefined,
): Promise<Scope> {
  if (person === undefined && memberOf(caller.application) === payments.treasury) return {};
  const overseer =
    person?.agency !== undefined &&
    maySee(payments, { application: '', agency: person.agency }, caller, person);
  if (overseer) return person.agency === payments.treasury ? {} : { agency: person.agency as string };
  return { sourceId: (await sourceOfCaller(payments.db, caller.application)).id };
}
