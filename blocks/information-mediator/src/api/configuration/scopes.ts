import { type Caller, forbidden, memberOf, type Person, Problem } from '@govstack/platform';
import type { Governance } from '../authority.ts';

export const scopes = ['read:conf', 'create:conf', 'write:conf', 'read:rights', 'write:rights'] as const;
export type Scope = (typeof scopes)[number];

/** What somebody may do with the configuration, and with whose part of it. */
export interface Grant {
  readonly scopes: ReadonlySet<string>;
  /** Undefined: of every member. */
  readonly member: string | undefined;
}

const ofAgencies: readonly Scope[] = ['read:conf', 'read:rights', 'write:rights'];

/**
 * Scopes come with the token, or with the role of administrator: of the governing agency all, of another agency those
 * that concern it. Whoever works for another agency reaches no further than that, whatever the token says. Undefined:
 * there is nobody who could have scopes.
 */
export function grantOf(
  governance: Governance,
  caller: Caller,
  person: Person | undefined,
): Grant | undefined {
  if (!person)
    return caller.application === governance.application
      ? { scopes: new Set(scopes), member: undefined }
      : undefined;
  const governs = person.agency === memberOf(governance.application);
  const implied =
    !person.roles.includes('administrator') || person.agency === undefined
      ? []
      : governs
        ? scopes
        : ofAgencies;
  return {
    scopes: new Set([...person.scopes, ...implied]),
    member: person.agency === undefined || governs ? undefined : person.agency,
  };
}

const authenticate = (error: string): Record<string, string> => ({ 'www-authenticate': `Bearer${error}` });

/** 401 without a token; without the scope 403 or, for rights as published, 401 too. */
export function assertScope(grant: Grant | undefined, scope: Scope): Grant {
  if (!grant)
    throw new Problem(401, 'This needs an access token, or the governance application', {
      headers: authenticate(''),
    });
  if (grant.scopes.has(scope)) return grant;
  const status = scope.endsWith(':rights') ? 401 : 403;
  throw new Problem(status, `This needs the scope ${scope}`, {
    headers: authenticate(` error="insufficient_scope", scope="${scope}"`),
  });
}

/** What concerns every member at once is for those whose grant does. */
export function assertWhole({ member }: Grant): void {
  if (member !== undefined) throw forbidden('This concerns other agencies too');
}
