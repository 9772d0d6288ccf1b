import type { Names } from '../mediated/names.ts';
import type { ListStore } from '../registries/list-store.ts';
import type { SignedInVisit, Site } from '../site/visit.ts';
import type { ProcessClients } from './clients.ts';
import { designerRoles, operatorRoles, processRoles } from './roles.ts';

/** What somebody looks for among instances. A business key may be personal: it never stands in an address. */
export interface InstanceSearch {
  readonly name?: string;
  readonly businessKey: string;
}

/** What the pages about processes share. */
export interface ProcessParts {
  readonly site: Site;
  readonly clients: ProcessClients;
  readonly names: Names;
  readonly searches: ListStore<InstanceSearch>;
  readonly timeZone: string;
  readonly now: () => Date;
}

export const access = { roles: processRoles };
/** Of pages that change something. */
export const operatorAccess = { roles: operatorRoles };

/** Whether somebody takes processes and instances further; others only look on. */
export const operates = ({ viewer }: SignedInVisit): boolean =>
  operatorRoles.some((role) => viewer.roles.includes(role));

const designs = ({ viewer }: SignedInVisit): boolean =>
  designerRoles.some((role) => viewer.roles.includes(role));

/** The frame around a page: where one can go, and where one is. */
export function frame(visit: SignedInVisit, tab: string) {
  const tabs = [
    { key: 'overview', href: '/processes', shown: true },
    { key: 'instances', href: '/processes/instances', shown: true },
    { key: 'incidents', href: '/processes/incidents', shown: operates(visit) },
    { key: 'connections', href: '/processes/connections', shown: operates(visit) },
    { key: 'design', href: '/processes/design', shown: designs(visit) },
  ];
  return { section: 'processes', tab, tabs: tabs.filter(({ shown }) => shown), operates: operates(visit) };
}

export const revisionPath = (ref: string): string => `/processes/revisions/${encodeURIComponent(ref)}`;
export const instancePath = (id: string): string => `/processes/instances/${id}`;
