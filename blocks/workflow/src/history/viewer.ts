import type { Caller, Person } from '@govstack/platform';
import { type RawBuilder, sql } from 'kysely';

/** Whose processes someone may see and supervise. */
export interface Viewer {
  /** Those of the calling application. */
  readonly application: string;
  /** Those of every application of this agency, for its administrators. */
  readonly member: string | undefined;
}

/** The calling application, and the agency of an administrator who is signed in. A person only ever adds rights. */
export const viewerOf = (
  caller: Caller,
  person: Person | undefined,
  administratorRoles: readonly string[],
): Viewer => ({
  application: caller.application,
  member: person?.roles.some((role) => administratorRoles.includes(role)) ? person.agency : undefined,
});

/** Condition on a column that holds the owning application. */
export const ownedBy = (viewer: Viewer, column: string): RawBuilder<boolean> =>
  viewer.member === undefined
    ? sql<boolean>`${sql.ref(column)} = ${viewer.application}`
    : sql<boolean>`(${sql.ref(column)} = ${viewer.application}
        or starts_with(${sql.ref(column)}, ${`${viewer.member}/`}))`;

/** Whether what an application owns is among what the viewer may see. */
export const sees = (viewer: Viewer, owner: string): boolean =>
  owner === viewer.application || (viewer.member !== undefined && owner.startsWith(`${viewer.member}/`));
