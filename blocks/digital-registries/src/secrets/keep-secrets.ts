import { type Kysely, sql } from 'kysely';
import type { Scheme } from '../history/change-digest.ts';
import { concealed, type KeptContent } from '../history/sealed-content.ts';
import { firstUuid } from '../schema/backfill-sealed.ts';
import { everyField } from '../schema/catalogue.ts';
import { type Column, type Field, storedFields } from '../schema/field.ts';
import { withShortLock } from '../schema/publish.ts';
import { tableRef } from '../schema/table.ts';
import type { RegistryTables } from '../tables.ts';
import type { Keyring } from './keyring.ts';
import { changeContext, fieldContext, headOf, keyIdOf, type Vault } from './vault.ts';

type Db = Kysely<RegistryTables>;

const batch = 1000;

/** Lets writers that know the registry as it was come to their end; later ones look again. */
const newWritersOnly = (db: Db, registryId: string): Promise<unknown> =>
  withShortLock(db, async (trx) => {
    await sql`lock table ${tableRef(registryId)} in share mode`.execute(trx);
    await trx
      .updateTable('registry')
      .set({ revision: sql`revision + 1` })
      .where('id', '=', registryId)
      .execute();
  });

/** Takes old values of what is secret now out of the columns that are no longer written. */
async function emptyColumns(db: Db, registryId: string, columns: readonly Column[], signal: AbortSignal) {
  if (columns.length === 0) return;
  const any = sql.join(
    columns.map(({ column }) => sql`${sql.id(column)} is not null`),
    sql` or `,
  );
  for (let after: string | null = firstUuid; after !== null && !signal.aborted; ) {
    const found: { rows: { last: string | null }[] } = await sql<{ last: string | null }>`
      with batch as (
        select uuid
        from ${tableRef(registryId)}
        where uuid > ${after}::uuid and (${any})
        order by uuid
        limit ${batch}
      ), emptied as (
        update ${tableRef(registryId)} t
        set ${sql.join(columns.map(({ column }) => sql`${sql.id(column)} = null`))}
        from batch
        where t.uuid = batch.uuid
      )
      select (select uuid from batch order by uuid desc limit 1) as last`.execute(db);
    after = found.rows[0]?.last ?? null;
  }
}

type Kept = KeptContent & {
  seq: string;
  record: string;
  scheme: Scheme;
  before_text: string | null;
  after_text: string | null;
};

/** Goes through what the history of a registry says, and writes anew what `change` answers for it. */
async function rewriteHistory(
  db: Db,
  registryId: string,
  which: ReturnType<typeof sql>,
  change: (content: Kept) => KeptContent | undefined,
  signal: AbortSignal,
): Promise<void> {
  for (let after = '0'; !signal.aborted; ) {
    const { rows } = await sql<Kept>`
      select k.*, k.before::text as before_text, k.after::text as after_text, l.record, l.scheme
      from change_log l
      join change_content k on k.seq = l.seq
      where l.registry_id = ${registryId}::bigint and l.seq > ${after}::bigint and ${which}
      order by l.seq
      limit ${batch}`.execute(db);
    const last = rows.at(-1);
    if (!last) return;
    const changed = rows.flatMap((row) => {
      const content = change(row);
      return content ? [{ seq: row.seq, ...content }] : [];
    });
    const json = (value: unknown): string | null => (value === null ? null : JSON.stringify(value));
    // What was said stays as it is; only how it is kept is another one. Content that was erased meanwhile stays erased.
    await sql`
      with gone as (
        delete from change_content
        where seq = any(${changed.map(({ seq }) => seq)}::bigint[])
        returning seq
      )
      insert into change_content (seq, salt, before, after, sealed)
      select c.seq, c.salt, c.before, c.after, c.sealed
      from unnest(
        ${changed.map(({ seq }) => seq)}::bigint[],
        ${changed.map(({ salt }) => salt)}::bytea[],
        ${changed.map(({ before }) => json(before))}::json[],
        ${changed.map(({ after: now }) => json(now))}::json[],
        ${changed.map(({ sealed }) => sealed)}::bytea[]
      ) as c(seq, salt, before, after, sealed)
      join gone on gone.seq = c.seq`.execute(db);
    after = last.seq;
  }
}

/** Seals anew what is sealed with another key than the current one. */
async function resealColumn(
  db: Db,
  registryId: string,
  vault: Vault,
  { field, column }: Column,
  signal: AbortSignal,
): Promise<void> {
  const context = fieldContext(field);
  const name = sql.id(column);
  for (let after = firstUuid; !signal.aborted; ) {
    const { rows } = await sql<{ uuid: string; sealed: Buffer }>`
      select uuid, ${name} as sealed
      from ${tableRef(registryId)}
      where uuid > ${after}::uuid and substring(${name} from 1 for 5) <> ${headOf(vault.current())}
      order by uuid
      limit ${batch}`.execute(db);
    const last = rows.at(-1);
    if (!last) return;
    // A value that is written meanwhile is sealed with the current key already.
    await sql`
      update ${tableRef(registryId)} t
      set ${name} = n.sealed
      from unnest(
        ${rows.map(({ uuid }) => uuid)}::uuid[],
        ${rows.map(({ sealed }) => sealed)}::bytea[],
        ${rows.map(({ sealed }) => vault.seal(context, vault.open(context, sealed)))}::bytea[]
      ) as n(uuid, old, sealed)
      where t.uuid = n.uuid and t.${name} = n.old`.execute(db);
    after = last.uuid;
  }
}

const liveKeys = (db: Db, registryId: string) =>
  db
    .selectFrom('registry_key')
    .select(['id', 'active_from'])
    .where('registry_id', '=', registryId)
    .where('id', '>', 0)
    .where('destroyed_at', 'is', null)
    .orderBy('id', 'desc')
    .execute();

/** Secrets that are not yet kept as they should be: registries with old values in the open, or under an old key. */
export async function secretsToKeep(db: Db): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select id from registry where to_conceal
    union
    select registry_id from registry_key where id > 0 and destroyed_at is null group by registry_id having count(*) > 1`.execute(
    db,
  );
  return rows.map(({ id }) => id);
}

/**
 * Conceals old values of fields that became secret, in the table and in the history, and seals everything with the newest
 * key; then the older ones are destroyed. Batch by batch: interrupted, it goes on where it was. `now`: keys that are not
 * yet in use by then wait for the next time.
 */
export async function keepSecrets(
  db: Db,
  keyring: Keyring,
  registryId: string,
  signal: AbortSignal,
  now: Date,
): Promise<void> {
  const row = await db
    .selectFrom('registry')
    .select(['columns', 'retired_columns', 'to_conceal'])
    .where('id', '=', registryId)
    .where('state', '<>', 'draft')
    .executeTakeFirst();
  const vault = row && (await keyring.vaultOf(db, registryId));
  if (!vault) return;
  const columns = row.columns as Column[];
  const stored = await db
    .selectFrom('registry_version')
    .select('fields')
    .where('registry_id', '=', registryId)
    .orderBy('position', 'desc')
    .execute();
  const versions = stored.map(({ fields }) => ({ fields: storedFields(fields) }));
  const secret: Field[] = everyField(versions).filter((field) => field.secret);
  if (row.to_conceal && secret.length > 0) {
    await newWritersOnly(db, registryId);
    await emptyColumns(db, registryId, row.retired_columns as Column[], signal);
    const ids = secret.map(({ id }) => String(id));
    const names = versions.flatMap(({ fields }) =>
      fields.filter(({ id }) => ids.includes(String(id))).map(({ name }) => name),
    );
    await rewriteHistory(
      db,
      registryId,
      sql`(k.before is not null or k.after is not null)`,
      (content) =>
        concealed(
          vault,
          content.record,
          content,
          content.scheme === 1 ? names : ids,
          content.scheme === 3 ? { before: content.before_text, after: content.after_text } : undefined,
        ),
      signal,
    );
    signal.throwIfAborted();
    await db.updateTable('registry').set({ to_conceal: false }).where('id', '=', registryId).execute();
  }
  const [newest, ...older] = await liveKeys(db, registryId);
  if (!newest || older.length === 0 || new Date(newest.active_from) > now) return;
  await newWritersOnly(db, registryId);
  for (const column of columns)
    if (column.type === 'sealed' && !column.hash) await resealColumn(db, registryId, vault, column, signal);
  await rewriteHistory(
    db,
    registryId,
    sql`k.sealed is not null`,
    ({ record, sealed, ...content }) =>
      sealed === null || keyIdOf(sealed) === vault.current()
        ? undefined
        : {
            ...content,
            sealed: vault.seal(changeContext(record), vault.open(changeContext(record), sealed)),
          },
    signal,
  );
  signal.throwIfAborted();
  await db
    .updateTable('registry_key')
    .set({ wrapped: null, destroyed_at: new Date().toISOString() })
    .where('registry_id', '=', registryId)
    .where('id', '>', 0)
    .where('id', '<', newest.id)
    .execute();
}
