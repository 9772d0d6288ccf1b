import type { Viewer } from '../backend.ts';
import { consoleRoles } from '../console/roles.ts';
import { processRoles } from '../processes/roles.ts';
import { registryRoles } from '../registries/roles.ts';
import { treasuryRoles } from '../treasury/roles.ts';

export interface NavigationItem {
  readonly key: string;
  readonly href: string;
}

const officerItems: readonly (NavigationItem & { readonly roles: readonly string[] })[] = [
  { key: 'programmes', href: '/office/programmes', roles: ['programme-manager'] },
  { key: 'tasks', href: '/office/tasks', roles: ['officer', 'programme-manager'] },
  {
    key: 'treasury',
    href: '/treasury',
    roles: [
      'programme-manager',
      'payment-approver',
      'biller-manager',
      'voucher-administrator',
      'fsp-officer',
    ],
  },
  { key: 'exchange', href: '/exchange', roles: consoleRoles },
  { key: 'registries', href: '/registries', roles: registryRoles },
  { key: 'processes', href: '/processes', roles: processRoles },
];

const citizenItems: readonly NavigationItem[] = [
  { key: 'applications', href: '/applications' },
  { key: 'messages', href: '/messages' },
  { key: 'payments', href: '/payments' },
  { key: 'bills', href: '/bills' },
  { key: 'data', href: '/my-data' },
];

/** Roles of people who work for an agency, with the pages each may open. */
export const staffRoles = {
  tasks: ['officer', 'programme-manager'],
  programmes: ['programme-manager'],
} as const;

const treasuryItem: NavigationItem = { key: 'treasury', href: '/treasury' };

/** Somebody who works for an agency, as far as the menu depends on it. */
type Worker = Pick<Viewer, 'roles' | 'agency'>;

/** `treasury`: the member whose people administer payments; there its administrators and auditors find them, too. */
function workOf({ roles, agency }: Worker, treasury: string | undefined): readonly NavigationItem[] {
  const items = officerItems.filter((item) => item.roles.some((role) => roles.includes(role)));
  if (treasury === undefined) return items.filter(({ key }) => key !== treasuryItem.key);
  const isTheirs = agency === treasury && treasuryRoles.some((role) => roles.includes(role));
  return isTheirs ? [treasuryItem, ...items.filter(({ key }) => key !== treasuryItem.key)] : items;
}

/** The main menu of a person: their own affairs, or the work their roles give them. */
export function navigationOf(viewer: Viewer | undefined, treasury?: string): readonly NavigationItem[] {
  const services: NavigationItem = { key: 'services', href: '/' };
  if (!viewer) return [services, { key: 'officials', href: '/officials' }];
  const work = workOf(viewer, treasury);
  return work.length > 0 ? [services, ...work] : [services, ...citizenItems];
}

/** The first page after signing in. */
export const homeOf = (person: Worker, treasury?: string): string =>
  workOf(person, treasury)[0]?.href ?? '/applications';
