import { type Kysely, type RawBuilder, sql } from 'kysely';
import type { RegistryTables } from '../tables.ts';
import { doneBy, type EntrySearch, ownRegistries } from './search-changes.ts';
import { type LogPage, type LogSearch, searchLog } from './search-log.ts';

type Db = Kysely<RegistryTables>;

/** A look at personal data, or at the log of such looks (DRS-8). */
export interface ReadEntry {
  readonly id: string;
  readonly registry: string;
  readonly registryName: string;
  readonly records: string[];
  readonly fields: string[];
  readonly fieldIds: number[];
  readonly personalDataIds: string[];
  readonly method: string;
  readonly readerId: string | null;
  readonly readerInitials: string | null;
  readonly readerRoles: string[];
  readonly readerApplication: string;
  readonly institution: string;
  readonly purpose: string | null;
  readonly consentReference: string | null;
  readonly legalGround: string | null;
  readonly references: string[];
  readonly exchangeId: string;
  readonly time: string;
}

interface Stored {
  id: string;
  code: string | null;
  name: string | null;
  records: string[];
  fields: string[];
  field_ids: number[];
  subjects: Buffer[];
  method: string;
  person: string | null;
  reader_initials: string | null;
  roles: string[];
  application: string;
  institution: string;
  purpose: string | null;
  consent_reference: string | null;
  legal_ground: string | null;
  refs: string[];
  exchange_id: string;
  at: string;
}

const shown = (row: Stored): ReadEntry => ({
  id: row.id,
  registry: row.code ?? '',
  registryName: row.name ?? '',
  records: row.records,
  fields: row.fields,
  fieldIds: row.field_ids,
  personalDataIds: row.subjects.map((one) => one.toString('hex')),
  method: row.method,
  readerId: row.person,
  readerInitials: row.reader_initials,
  readerRoles: row.roles,
  readerApplication: row.application,
  institution: row.institution || row.application.split('/').slice(0, 3).join('/'),
  purpose: row.purpose,
  consentReference: row.consent_reference,
  legalGround: row.legal_ground,
  references: row.refs,
  exchangeId: row.exchange_id,
  time: new Date(row.at).toISOString(),
});

async function search(
  db: Db,
  parts: readonly RawBuilder<unknown>[],
  conditions: readonly RawBuilder<unknown>[],
  asked: LogSearch,
): Promise<LogPage<ReadEntry>> {
  const { entries, next } = await searchLog<Stored>(
    db,
    {
      table: sql`read_log`,
      key: 'id',
      keyType: 'uuid',
      parts,
      conditions,
      joins: sql`left join registry r on r.id = l.registry_id`,
      columns: sql`l.id, r.code, r.name, l.records, l.fields, l.field_ids, l.subjects, l.method, l.person,
        l.reader_initials, l.roles, l.application, l.institution, l.purpose, l.consent_reference, l.legal_ground,
        l.refs, l.exchange_id, l.at`,
    },
    asked,
  );
  return { entries: entries.map(shown), next };
}

/** Looks at personal data in the registries of an owner, and at its logs. */
export async function searchReads(
  db: Db,
  owner: string,
  asked: Omit<EntrySearch, 'action'> & { readonly method?: string | undefined },
): Promise<LogPage<ReadEntry>> {
  const registries = await ownRegistries(db, owner, asked.registry);
  const ids = registries.map(({ id }) => id);
  const ofLogs = asked.registry === undefined ? [sql`owner = ${owner}`] : [];
  const own = sql`(registry_id = any(${ids}::bigint[])${ofLogs.length > 0 ? sql` or owner = ${owner}` : sql``})`;
  const parts =
    asked.record !== undefined
      ? [sql`records @> array[${asked.record}]::uuid[] and ${own}`]
      : asked.person !== undefined
        ? [sql`person = ${asked.person} and ${own}`]
        : [...ids.map((id) => sql`registry_id = ${id}::bigint`), ...ofLogs];
  const conditions = [
    ...doneBy(asked),
    ...(asked.method === undefined ? [] : [sql`l.method = ${asked.method}`]),
    ...(asked.field === undefined ? [] : [sql`${asked.field} = any(l.fields)`]),
  ];
  return search(db, parts, conditions, asked);
}

/** Looks at data about one person, and at reports about them. */
export async function usageEntries(
  db: Db,
  owner: string,
  subject: Buffer,
  asked: LogSearch & { readonly registry?: string | undefined },
): Promise<LogPage<ReadEntry>> {
  const ids = (await ownRegistries(db, owner, asked.registry)).map(({ id }) => id);
  const reports = asked.registry === undefined ? sql` or owner = ${owner}` : sql``;
  const part = sql`subjects @> array[${subject}]::bytea[] and (registry_id = any(${ids}::bigint[])${reports})`;
  return search(db, [part], [], asked);
}

const verbs: Readonly<Record<string, string>> = {
  exists: 'asked whether there is a record with',
  report: 'looked at who has read your data',
};

/** An entry as the person it is about reads it. */
export function inWords(entry: ReadEntry): string {
  const who = `${entry.readerInitials === null ? 'Somebody' : entry.readerInitials} of ${entry.institution}`;
  const what =
    entry.method === 'report'
      ? verbs.report
      : `${verbs[entry.method] ?? 'read'} your ${entry.fields.join(', ')} in ${entry.registryName}`;
  const reasons = [
    ...(entry.purpose === null ? [] : [`reason: ${entry.purpose}`]),
    ...(entry.legalGround === null ? [] : [`legal ground: ${entry.legalGround}`]),
    ...(entry.consentReference === null ? [] : [`with your consent ${entry.consentReference}`]),
    ...(entry.references.length === 0 ? [] : [`for ${entry.references.join(', ')}`]),
  ];
  return `${who} ${what} on ${entry.time.slice(0, 10)}${reasons.length > 0 ? ` (${reasons.join('; ')})` : ''}.`;
}
