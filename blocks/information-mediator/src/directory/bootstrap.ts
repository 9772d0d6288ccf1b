import { applicationOf, isApplicationId, memberOf } from '@govstack/platform';
import { type Kysely, sql } from 'kysely';
import type { MediatorTables } from '../tables.ts';
import { putRight, wholeService } from './access-rights.ts';
import { putApplication, putInstance, putService } from './registration.ts';

export interface Bootstrap {
  readonly instance: string;
  /** The mediator's own application. */
  readonly own: string;
  readonly governance: string;
  readonly governanceKey: Record<string, unknown> | undefined;
  readonly logReaders: readonly string[];
}

const codeOf = (id: string): string => id.split('/').at(-1) as string;

/** Registers an application the settings name, unless somebody already has. */
async function ensureApplication(db: Kysely<MediatorTables>, id: string): Promise<void> {
  if (!isApplicationId(id)) throw new Error(`${id} is not an application identifier`);
  const known = await db.selectFrom('application').select('id').where('id', '=', id).executeTakeFirst();
  if (known) return;
  const member = memberOf(id);
  await sql`
    insert into member (id, instance_code, name)
    values (${member}, ${member.split('/')[0]}, ${codeOf(member)})
    on conflict on constraint member_pkey do nothing`.execute(db);
  await putApplication(db, { id, name: codeOf(id) });
}

/**
 * What must be there before anybody can register anything: the instance, who governs it, and the mediator's own
 * services with the rights to them. Doing it again changes nothing.
 */
export async function bootstrapDirectory(
  db: Kysely<MediatorTables>,
  { instance, own, governance, governanceKey, logReaders }: Bootstrap,
  services: readonly { readonly code: string; readonly title: string; readonly target: string }[],
): Promise<void> {
  for (const id of [own, governance, ...logReaders])
    if (id.split('/')[0] !== instance) throw new Error(`${id} does not belong to the instance ${instance}`);
  await putInstance(db, instance);
  for (const id of [own, governance, ...logReaders]) await ensureApplication(db, id);
  if (governanceKey)
    await putApplication(db, { id: governance, name: codeOf(governance), publicKey: governanceKey });
  for (const { code, title, target } of services) {
    const service = `${own}/${code}`;
    await putService(db, { id: service, title, target });
    const subjects = code === 'mediator-log-v1' ? [governance, ...logReaders] : [governance];
    for (const subject of new Set(subjects))
      await putRight(db, { service, subject, endpoints: [wholeService], grantedBy: applicationOf(service) });
  }
}
