import { type Kysely, sql } from 'kysely';
import type { Logger } from 'pino';
import type { RegistryTables } from '../tables.ts';

/** How often services are used. Counting costs a call nothing: sums are written every few seconds. */
export interface UseCounts {
  count(registryId: string, version: string, name: string): void;
  /** Uses of the services of a version by name, to this moment on this node. */
  of(registryId: string, version: string): Promise<ReadonlyMap<string, number>>;
  /** Writes what has been counted, and stops. */
  stop(): Promise<void>;
}

const everyMs = 5000;

export function startUseCounts(db: Kysely<RegistryTables>, log: Logger): UseCounts {
  let counted = new Map<string, number>();
  let writing: Promise<void> = Promise.resolve();
  const write = async (): Promise<void> => {
    if (counted.size === 0) return;
    const taken = counted;
    counted = new Map();
    const rows = [...taken]
      .map(([key, used]) => ({ key: JSON.parse(key) as [string, string, string], used }))
      // In one order everywhere, so that nodes that write at once do not wait for each other in a circle.
      .sort((one, other) => (one.key.join() < other.key.join() ? -1 : 1));
    try {
      await sql`
        insert into registry_service_use (registry_id, version, name, used)
        select c.registry_id, c.version, c.name, c.used
        from unnest(
          ${rows.map(({ key }) => key[0])}::bigint[], ${rows.map(({ key }) => key[1])}::text[],
          ${rows.map(({ key }) => key[2])}::text[], ${rows.map(({ used }) => used)}::bigint[]
        ) as c(registry_id, version, name, used)
        join registry r on r.id = c.registry_id
        on conflict on constraint registry_service_use_pkey
        do update set used = registry_service_use.used + excluded.used`.execute(db);
    } catch (error) {
      for (const [key, used] of taken) counted.set(key, (counted.get(key) ?? 0) + used);
      log.warn({ err: error }, 'uses of services are kept for the next attempt');
    }
  };
  const flush = (): Promise<void> => {
    writing = writing.then(write);
    return writing;
  };
  const timer = setInterval(flush, everyMs);
  timer.unref();
  return {
    count(registryId, version, name) {
      const key = JSON.stringify([registryId, version, name]);
      counted.set(key, (counted.get(key) ?? 0) + 1);
    },
    async of(registryId, version) {
      await flush();
      const rows = await db
        .selectFrom('registry_service_use')
        .select(['name', 'used'])
        .where('registry_id', '=', registryId)
        .where('version', '=', version)
        .execute();
      return new Map(rows.map(({ name, used }) => [name, Number(used)]));
    },
    async stop() {
      clearInterval(timer);
      await flush();
    },
  };
}
