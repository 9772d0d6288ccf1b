import { badRequest } from '@govstack/platform';
import { type Kysely, sql } from 'kysely';
import { change } from '../directory/change.ts';
import type { SecurityServer } from '../global-configuration/configuration.ts';
import type { MediatorTables } from '../tables.ts';

/** Registers a security server or changes its registration; what it is not told to keep is gone. */
export function putServer(db: Kysely<MediatorTables>, server: SecurityServer): Promise<boolean> {
  if (!/^https:\/\/[^/?#]+$/.test(server.address) || !URL.canParse(server.address))
    throw badRequest('The address must be https://host:port', [
      { in: 'body', pointer: '/address', detail: 'is not https://host:port' },
    ]);
  const { id, address, certificates, clients, maintenance = null } = server;
  return change(db, [
    sql`
      insert into security_server (id, address, certificates, clients, maintenance)
      values (${id}, ${address}, ${[...certificates]}::text[], ${[...clients]}::text[], ${maintenance})
      on conflict on constraint security_server_pkey do update
      set address = excluded.address, certificates = excluded.certificates, clients = excluded.clients,
        maintenance = excluded.maintenance
      where (security_server.address, security_server.certificates, security_server.clients,
          security_server.maintenance)
        is distinct from (excluded.address, excluded.certificates, excluded.clients, excluded.maintenance)`,
  ]);
}

/** Takes a security server out of the instance: nobody speaks with it any more. */
export const deleteServer = (db: Kysely<MediatorTables>, id: string): Promise<boolean> =>
  change(db, [sql`delete from security_server where id = ${id}`]);

export async function listServers(db: Kysely<MediatorTables>): Promise<SecurityServer[]> {
  const rows = await db.selectFrom('security_server').selectAll().orderBy('id').limit(5000).execute();
  return rows.map(({ id, address, certificates, clients, maintenance }) => ({
    id,
    address,
    certificates,
    clients,
    ...(maintenance === null ? {} : { maintenance }),
  }));
}
