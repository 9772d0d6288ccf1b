import type { Viewer } from '../backend.ts';
import { consoleRoles } from '../console/roles.ts';
import { registryRoles } from '../registries/roles.ts';

export interface NavigationItem {
  readonly key: string;
  readonly href: string;
}

const officerItems: readonly (NavigationItem & { readonly roles: readonly string[] })[] = [
  { key: 'tasks', href: '/office/tasks', roles: ['officer'] },
  { key: 'programmes', href: '/office/programmes', roles: ['programme-manager'] },
  { key: 'runs', href: '/office/payment-runs', roles: ['programme-manager', 'payment-approver'] },
  { key: 'exchange', href: '/exchange', roles: consoleRoles },
  { key: 'registries', href: '/registries', roles: registryRoles },
];

const citizenItems: readonly NavigationItem[] = [
  { key: 'applications', href: '/applications' },
  { key: 'messages', href: '/messages' },
  { key: 'payments', href: '/payments' },
  { key: 'data', href: '/my-data' },
];

/** Roles of people who work for an agency, with the pages each may open. */
export const staffRoles = {
  tasks: ['officer'],
  programmes: ['programme-manager'],
  runs: ['programme-manager', 'payment-approver'],
} as const;

const forRoles = (roles: readonly string[]): readonly NavigationItem[] =>
  officerItems.filter((item) => item.roles.some((role) => roles.includes(role)));

/** The main menu of a person: their own affairs, or the work their roles give them. */
export function navigationOf(viewer: Viewer | undefined): readonly NavigationItem[] {
  const services: NavigationItem = { key: 'services', href: '/' };
  if (!viewer) return [services, { key: 'officials', href: '/officials' }];
  const work = forRoles(viewer.roles);
  return work.length > 0 ? [services, ...work] : [services, ...citizenItems];
}

/** The first page after signing in. */
export const homeOf = (roles: readonly string[]): string => forRoles(roles)[0]?.href ?? '/applications';
