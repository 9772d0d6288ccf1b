import { forbidden, memberOf } from '@govstack/platform';
import type { Scope } from '../../evidence/exchanges.ts';
import type { Governance } from '../authority.ts';
import { scopeOf } from '../message-log/handlers.ts';
import type { Who } from '../who.ts';

export interface Reader {
  /** What somebody may see (IM-6.7-d). */
  scope(who: Who): Scope;
  /** Refuses unless somebody may see everything. */
  whole(who: Who): void;
}

/** Besides those who may read the whole message log, the owner of this server and central monitoring clients see all. */
export function readers(governance: Governance, own: string, clients: readonly string[]): Reader {
  const widened: Governance = { ...governance, logReaders: [...governance.logReaders, ...clients] };
  function scope({ caller, person }: Who): Scope {
    const owner = person
      ? person.agency === memberOf(own) &&
        person.roles.some((role) => role === 'auditor' || role === 'administrator')
      : caller.application === own;
    return owner ? { kind: 'all' } : scopeOf(widened, caller, person);
  }
  return {
    scope,
    whole(who) {
      if (scope(who).kind !== 'all')
        throw forbidden('Only the owner of this server, governance and monitoring clients can read this');
    },
  };
}
