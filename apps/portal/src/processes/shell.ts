import type { Names } from '../mediated/names.ts';
import type { SignedInVisit, Site } from '../site/visit.ts';
import type { ProcessClients } from './clients.ts';
import { operatorRoles, processRoles } from './roles.ts';

/** What the pages about processes share. */
export interface ProcessParts {
  readonly site: Site;
  readonly clients: ProcessClients;
  readonly names: Names;
  readonly timeZone: string;
  readonly now: () => Date;
}

export const access = { roles: processRoles };

/** Whether somebody takes processes and instances further; others only look on. */
export const operates = ({ viewer }: SignedInVisit): boolean =>
  operatorRoles.some((role) => viewer.roles.includes(role));

/** The frame around a page: where one can go, and where one is. */
export function frame(tab: string) {
  const tabs = [
    { key: 'overview', href: '/processes' },
    { key: 'design', href: '/processes/design' },
  ];
  return { section: 'processes', tab, tabs };
}
