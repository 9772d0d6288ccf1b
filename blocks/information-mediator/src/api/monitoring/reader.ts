import { forbidden, memberOf } from '@govstack/platform';
import type { Scope } from '../../evidence/exchanges.ts';
import { authorityOf, type Governance } from '../authority.ts';
import { scopeOf } from '../message-log/handlers.ts';
import type { Who } from '../who.ts';

export interface Reader {
  /** What somebody may see (IM-6.7-d). */
  scope(who: Who): Scope;
  /** Refuses unless somebody may see everything. */
  whole(who: Who): void;
  /** Whether it is the owner of this server, or governance. */
  owner(who: Who): boolean;
  /** Refuses who may not change how this server is monitored; answers who it is. */
  administrator(who: Who): string;
}

/** Besides those who may read the whole message log, the owner of this server and central monitoring clients see all. */
export function readers(governance: Governance, own: string, clients: readonly string[]): Reader {
  const widened: Governance = { ...governance, logReaders: [...governance.logReaders, ...clients] };
  const mine = ({ caller, person }: Who, roles: readonly string[]): boolean =>
    person
      ? person.agency === memberOf(own) && person.roles.some((role) => roles.includes(role))
      : caller.application === own;
  const owner = (who: Who): boolean =>
    mine(who, ['auditor', 'administrator']) ||
    scopeOf({ ...governance, logReaders: [] }, who.caller, who.person).kind === 'all';
  const scope = (who: Who): Scope =>
    owner(who) ? { kind: 'all' } : scopeOf(widened, who.caller, who.person);
  return {
    scope,
    owner,
    whole(who) {
      if (scope(who).kind !== 'all')
        throw forbidden('Only the owner of this server, governance and monitoring clients can read this');
    },
    administrator(who) {
      const { caller, person } = who;
      if (!mine(who, ['administrator']) && authorityOf(governance, caller, person).kind !== 'all')
        throw forbidden('This needs the governance application or the owner of this server');
      return person ? `${caller.application} person ${person.id}` : caller.application;
    },
  };
}
