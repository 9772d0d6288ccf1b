import { newId } from '@govstack/platform';
import { type Kysely, sql } from 'kysely';
import type { Granted, Reader } from '../access/access.ts';
import type { Row } from '../records/content.ts';
import { table } from '../records/statement.ts';
import { setState } from '../records/write.ts';
import type { Catalogue } from '../schema/catalogue.ts';
import type { RegistryTables } from '../tables.ts';
import { eraseRecord } from './history.ts';

type Db = Kysely<RegistryTables>;

const batch = 200;
const dayMs = 86_400_000;

interface Kept {
  owner: string;
  code: string;
  retention_days: number;
  retention_action: 'archive' | 'erase';
}

/** Archives or erases the records of registries that were kept as long as their owner wants; not those under legal hold. */
export async function applyRetention(
  db: Db,
  catalogue: Catalogue,
  application: string,
  now: Date,
  signal: AbortSignal,
): Promise<number> {
  const { rows } = await sql<Kept>`
    select owner, code, retention_days, retention_action
    from registry
    where state <> 'draft' and retention_days is not null and retention_action <> 'keep'
    order by id`.execute(db);
  let gone = 0;
  for (const registry of rows) gone += await applyTo(db, catalogue, application, registry, now, signal);
  return gone;
}

async function applyTo(
  db: Db,
  catalogue: Catalogue,
  application: string,
  { owner, code, retention_days: days, retention_action: action }: Kept,
  now: Date,
  signal: AbortSignal,
): Promise<number> {
  const { registry } = await catalogue.find(owner, code, 'latest');
  const granted: Granted = { registry, fields: registry.fields, rows: undefined, foreign: false };
  const service = `${owner}/registry-insight-v1`;
  const reader: Reader = {
    caller: { application, service, operator: undefined, exchangeId: newId() },
    person: undefined,
    ground: { purpose: 'retention', consentReference: undefined, legalGround: undefined },
  };
  const before = new Date(now.getTime() - days * dayMs).toISOString();
  const states = action === 'archive' ? ['active'] : ['active', 'archived'];
  const personal = registry.current.some((field) => field.personal);
  let gone = 0;
  for (let after = '00000000-0000-0000-0000-000000000000'; ; ) {
    signal.throwIfAborted();
    const rows = await db.transaction().execute(async (trx): Promise<Row[]> => {
      const found = await sql<Row>`
        select *
        from ${table(registry)} t
        where uuid > ${after}::uuid and modified_at < ${before}::timestamptz and state = any(${states}::text[])
          and not exists (
            select from legal_hold h
            where h.registry_id = ${registry.id}::bigint and h.record = t.uuid
          )
        order by uuid
        limit ${batch}
        for update`.execute(trx);
      const uuids = found.rows.map(({ uuid }) => uuid);
      if (action === 'archive') await setState(trx, granted, reader, uuids, 'archived', ['active']);
      else {
        await setState(trx, granted, reader, uuids, 'deleted', ['active', 'archived']);
        if (personal)
          for (const row of found.rows)
            await eraseRecord(trx, granted, reader, row, `kept for ${days} days, as its registry says`);
      }
      return found.rows;
    });
    gone += rows.length;
    if (rows.length < batch) return gone;
    after = rows.at(-1)?.uuid as string;
  }
}
