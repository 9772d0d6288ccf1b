import { Problem } from '@govstack/platform';
import type { Kysely } from 'kysely';
import type { InstanceRow, WorkflowTables } from '../tables.ts';

/**
 * Where states of an instance are told: an address below one of the HTTP connections of the application that owns the
 * process, which allows POST. Throws 422 for any other: nobody is told what the owner has not allowed.
 */
export async function readCallback(
  db: Kysely<WorkflowTables>,
  owner: string,
  address: string,
): Promise<NonNullable<InstanceRow['callback']>> {
  const url = URL.parse(address);
  const rows = await db
    .selectFrom('connection')
    .select(['name', 'settings'])
    .where('owner', '=', owner)
    .orderBy('name')
    .execute();
  const found = rows.flatMap(({ name, settings }) => {
    if (url?.hash !== '' || settings.kind !== 'http' || !settings.methods.includes('POST')) return [];
    const base = new URL(settings.baseUrl).href.replace(/\/$/, '');
    return url.href === base || url.href.startsWith(`${base}/`) ? [{ connection: name, base }] : [];
  });
  // The closest one, where one lies below another.
  const [closest] = found.sort((a, b) => b.base.length - a.base.length);
  if (!url || !closest) {
    throw new Problem(422, 'The address is not below a connection of the application that allows POST', {
      errors: [{ in: 'body', pointer: '/callbackUrl', detail: 'is not an allowed address' }],
    });
  }
  return { connection: closest.connection, path: url.href.slice(closest.base.length) };
}
