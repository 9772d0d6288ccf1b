import { Problem } from '@govstack/platform';
import type { Backend } from '../backend.ts';
import type { Names } from '../mediated/names.ts';
import type { SignedInVisit, Site } from '../site/visit.ts';
import type { TreasuryClients } from './clients.ts';
import {
  billerRoles,
  custodianRoles,
  institutionRole,
  overseerRoles,
  treasuryRoles,
  voucherRoles,
} from './roles.ts';

/** What the pages about payments share. */
export interface TreasuryParts {
  readonly site: Site;
  readonly clients: TreasuryClients;
  readonly backend: Pick<Backend, 'payingProgrammes' | 'followUp' | 'settleRun'>;
  readonly names: Names;
  /** Member whose people administer payments. */
  readonly treasury: string;
  readonly approverRole: string;
  /** The day in the country, `YYYY-MM-DD`. */
  readonly today: () => string;
}

export const access = { roles: treasuryRoles };

/** Whether somebody administers payments: settings, books and cases are theirs. */
export const administers = ({ treasury }: TreasuryParts, { viewer }: SignedInVisit): boolean =>
  viewer.agency === treasury && viewer.roles.includes('administrator');

/** Whether somebody may look at vouchers: of the treasury all, of an agency those of its programmes. */
const overseesVouchers = ({ viewer }: SignedInVisit): boolean =>
  voucherRoles.some((role) => viewer.roles.includes(role));

/** Whether somebody changes vouchers they see; others who look at them do not. */
export const administersVouchers = ({ viewer }: SignedInVisit): boolean =>
  ['voucher-administrator', 'administrator'].some((role) => viewer.roles.includes(role));

const seesBillers = ({ viewer }: SignedInVisit): boolean =>
  billerRoles.some((role) => viewer.roles.includes(role));

/** Whether somebody sees runs: of the treasury all, of an agency those of its programmes. */
export const oversees = ({ viewer }: SignedInVisit): boolean =>
  overseerRoles.some((role) => viewer.roles.includes(role));

/** Whether somebody looks into everything that is on record. */
const audits = ({ treasury }: TreasuryParts, { viewer }: SignedInVisit): boolean =>
  viewer.agency === treasury && ['auditor', 'administrator'].some((role) => viewer.roles.includes(role));

/** Whether somebody keeps the keys, and administers nothing else. */
const keepsKeys = ({ treasury }: TreasuryParts, { viewer }: SignedInVisit): boolean =>
  viewer.agency === treasury &&
  custodianRoles.some((role) => viewer.roles.includes(role)) &&
  !viewer.roles.includes('administrator');

/** The frame around a page: where one can go, and where one is. */
export function frame(parts: TreasuryParts, visit: SignedInVisit, tab: string) {
  const theirs = administers(parts, visit);
  const tabs = [
    { key: 'overview', href: '/treasury', shown: oversees(visit) },
    { key: 'runs', href: '/treasury/runs', shown: oversees(visit) },
    { key: 'reviews', href: '/treasury/reviews', shown: oversees(visit) },
    { key: 'rails', href: '/treasury/rails', shown: theirs },
    { key: 'cases', href: '/treasury/cases', shown: theirs },
    { key: 'vouchers', href: '/treasury/vouchers', shown: overseesVouchers(visit) },
    { key: 'reconciliation', href: '/treasury/reconciliation', shown: theirs },
    { key: 'ledger', href: '/treasury/ledger', shown: theirs },
    { key: 'billers', href: '/treasury/billers', shown: seesBillers(visit) },
    { key: 'disputes', href: '/treasury/disputes', shown: oversees(visit) },
    { key: 'customers', href: '/treasury/customers', shown: visit.viewer.roles.includes(institutionRole) },
    { key: 'messages', href: '/treasury/messages', shown: audits(parts, visit) },
    { key: 'records', href: '/treasury/records', shown: audits(parts, visit) },
    { key: 'keys', href: '/treasury/keys', shown: keepsKeys(parts, visit) },
    { key: 'settings', href: '/treasury/settings', shown: theirs },
  ];
  return { section: 'treasury', tab, tabs: tabs.filter(({ shown }) => shown) };
}

/** The frame of a page of settings. */
export const settingFrame = (parts: TreasuryParts, visit: SignedInVisit) => ({
  ...frame(parts, visit, 'settings'),
  back: '/treasury/settings',
});

const code = /^[A-Za-z0-9._-]{1,36}$/;

/** The code of a setting in an address. */
export function codeIn(visit: SignedInVisit, name: string): string {
  const found = visit.params[name] ?? '';
  if (!isCode(found)) throw new Problem(404, 'no such setting');
  return found;
}

export const isCode = (text: string): boolean => code.test(text) && text !== '.' && text !== '..';
