import { badRequest } from '@govstack/platform';
import { type Kysely, sql } from 'kysely';
import type { MediatorTables } from '../tables.ts';
import { change } from './change.ts';

export interface AccessGroup {
  /** `INSTANCE/GLOBALGROUP/CODE`, or `INSTANCE/CLASS/MEMBER/APPLICATION/LOCALGROUP/CODE`. */
  readonly id: string;
  readonly description: string;
  /** Applications that belong to it, in any instance this one exchanges with. */
  readonly members: readonly string[];
}

export const isGroupId = (id: string): boolean =>
  /^[^/]+\/GLOBALGROUP\/[^/]+$/.test(id) || /^([^/]+\/){4}LOCALGROUP\/[^/]+$/.test(id);

/** The application that keeps a local group; undefined: the group is global. */
export const keeperOf = (group: string): string | undefined =>
  group.includes('/LOCALGROUP/') ? group.split('/').slice(0, 4).join('/') : undefined;

/** Makes these applications a group, no others. A local group belongs to a registered application. */
export const putGroup = (db: Kysely<MediatorTables>, group: AccessGroup): Promise<boolean> => {
  const members = [...new Set(group.members)];
  return change(db, [
    sql`
      insert into access_group (id, description)
      values (${group.id}, ${group.description})
      on conflict on constraint access_group_pkey do update
      set description = excluded.description
      where access_group.description <> excluded.description`,
    sql`
      delete from group_member
      where group_id = ${group.id} and application <> all (${members}::text[])`,
    sql`
      insert into group_member (group_id, application)
      select ${group.id}, application
      from unnest(${members}::text[]) as member (application)
      on conflict on constraint group_member_pkey do nothing`,
  ]);
};

/** Removes a group, and every right it had. */
export const deleteGroup = (db: Kysely<MediatorTables>, id: string): Promise<boolean> =>
  change(db, [
    sql`delete from access_right where subject = ${id}`,
    sql`delete from access_group where id = ${id}`,
  ]);

/** Refuses a group as the subject of a right unless it is there and its keeper may lend it. */
export function assertGroup(id: string, provider: string, exists: (id: string) => boolean): void {
  const keeper = keeperOf(id);
  if (!exists(id) || (keeper !== undefined && keeper !== provider))
    throw badRequest('The group that is to have the right is not one of the instance or of this application');
}
