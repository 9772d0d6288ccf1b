import { notFound } from '@govstack/platform';
import { type Kysely, sql } from 'kysely';
import { everyField } from '../schema/catalogue.ts';
import { type Field, storedFields } from '../schema/field.ts';
import type { RegistryTables } from '../tables.ts';
import { type LogPage, type LogSearch, searchLog } from './search-log.ts';

type Db = Kysely<RegistryTables>;

export interface OwnRegistry {
  readonly id: string;
  readonly code: string;
  readonly name: string;
}

/** Registries of an owner, those that are gone too: their logs stay. With a code, that one or 404. */
export async function ownRegistries(db: Db, owner: string, code?: string): Promise<OwnRegistry[]> {
  const rows = await db
    .selectFrom('registry')
    .select(['id', 'code', 'name'])
    .where('owner', '=', owner)
    .$if(code !== undefined, (query) => query.where('code', '=', (code as string).toLowerCase()))
    .orderBy('id')
    .limit(500)
    .execute();
  if (code !== undefined && rows.length === 0) throw notFound('Registry');
  return rows;
}

/** Every field that registries ever had. */
export async function fieldsOf(db: Db, registries: readonly OwnRegistry[]): Promise<Map<string, Field[]>> {
  const rows = await db
    .selectFrom('registry_version')
    .select(['registry_id', 'fields'])
    .where(
      'registry_id',
      'in',
      registries.map(({ id }) => id),
    )
    .orderBy('position', 'desc')
    .execute();
  const versions = Map.groupBy(rows, (row) => row.registry_id);
  return new Map(
    [...versions].map(([id, of]) => [
      id,
      everyField(of.map((row) => ({ fields: storedFields(row.fields) }))),
    ]),
  );
}

export interface EntrySearch extends LogSearch {
  readonly registry?: string | undefined;
  readonly record?: string | undefined;
  readonly person?: string | undefined;
  readonly application?: string | undefined;
  readonly action?: string | undefined;
  readonly field?: string | undefined;
}

interface Actors {
  readonly application: string;
  readonly operator: string | null;
  readonly person: string | null;
  readonly exchangeId: string;
  readonly at: string;
}

export interface ChangeEntry extends Actors {
  readonly seq: string;
  readonly registry: string;
  readonly record: string;
  readonly rowVersion: number;
  readonly action: string;
  readonly fields: string[];
  readonly erased: boolean;
}

/** Conditions on who did it, looked at in the window. */
export const doneBy = ({ person, application }: EntrySearch) => [
  ...(person === undefined ? [] : [sql`l.person = ${person}`]),
  ...(application === undefined ? [] : [sql`l.application = ${application}`]),
];

/** Parts along which a log of registries is read: by record, by person, or by registry. */
const partsOf = (registries: readonly OwnRegistry[], { record, person }: EntrySearch) => {
  const ids = registries.map(({ id }) => id);
  if (record !== undefined) return [sql`record = ${record}::uuid and registry_id = any(${ids}::bigint[])`];
  if (person !== undefined) return [sql`person = ${person} and registry_id = any(${ids}::bigint[])`];
  return ids.map((id) => sql`registry_id = ${id}::bigint`);
};

const changedKeys = sql`
  select coalesce(b.key, a.key) as field
  from json_each_text(case when json_typeof(k.before) = 'object' then k.before else '{}' end) b
  full join json_each_text(case when json_typeof(k.after) = 'object' then k.after else '{}' end) a on a.key = b.key
  where b.value is distinct from a.value`;

/** Changes of records of an owner. */
export async function searchChanges(
  db: Db,
  owner: string,
  search: EntrySearch,
): Promise<LogPage<ChangeEntry>> {
  const registries = await ownRegistries(db, owner, search.registry);
  if (registries.length === 0) return { entries: [], next: undefined };
  const fields = await fieldsOf(db, registries);
  const sought = [...fields.values()].flat().filter(({ name }) => name === search.field);
  const keys = [...new Set(sought.flatMap(({ id, name }) => [String(id), name]))];
  const { entries, next } = await searchLog<Omit<ChangeEntry, 'registry'> & { registry_id: string }>(
    db,
    {
      table: sql`change_log`,
      key: 'seq',
      keyType: 'bigint',
      parts: partsOf(registries, search),
      joins: sql`left join change_content k on k.seq = l.seq`,
      conditions: [
        ...doneBy(search),
        ...(search.action === undefined ? [] : [sql`l.action = ${search.action}`]),
        ...(search.field === undefined
          ? []
          : [sql`exists (select from (${changedKeys}) changed where field = any(${keys}::text[]))`]),
      ],
      columns: sql`l.seq, l.registry_id, l.record, l.row_version as "rowVersion", l.action, l.application, l.operator,
        l.person, l.exchange_id as "exchangeId", l.at, k.seq is null as erased,
        array(${changedKeys}) as fields`,
    },
    search,
  );
  const codes = new Map(registries.map(({ id, code }) => [id, code]));
  return {
    next,
    entries: entries.map((entry) => {
      const known = fields.get(entry.registry_id) ?? [];
      return {
        seq: entry.seq,
        registry: codes.get(entry.registry_id) ?? '',
        record: entry.record,
        rowVersion: entry.rowVersion,
        action: entry.action,
        fields: entry.fields
          .toSorted((one, other) => Number(one) - Number(other))
          .map((key) => known.find(({ id }) => String(id) === key)?.name ?? key),
        erased: entry.erased,
        application: entry.application,
        operator: entry.operator,
        person: entry.person,
        exchangeId: entry.exchangeId,
        at: new Date(entry.at).toISOString(),
      };
    }),
  };
}

export interface SchemaEntry extends Actors {
  readonly seq: string;
  readonly registry: string;
  readonly action: string;
  readonly before: unknown;
  readonly after: unknown;
  readonly report: unknown;
}

/** What was done to registries of an owner. */
export async function searchSchemaChanges(
  db: Db,
  owner: string,
  search: EntrySearch,
): Promise<LogPage<SchemaEntry>> {
  const { entries, next } = await searchLog<SchemaEntry>(
    db,
    {
      table: sql`schema_log`,
      key: 'seq',
      keyType: 'bigint',
      parts: [sql`owner = ${owner}`],
      conditions: [
        ...doneBy(search),
        ...(search.action === undefined ? [] : [sql`l.action = ${search.action}`]),
        ...(search.registry === undefined ? [] : [sql`l.code = ${search.registry.toLowerCase()}`]),
      ],
      columns: sql`l.seq, l.code as registry, l.action, l.application, l.operator, l.person,
        l.exchange_id as "exchangeId", l.at, l.before, l.after, l.report`,
    },
    search,
  );
  return {
    next,
    entries: entries.map((entry) => ({
      seq: entry.seq,
      registry: entry.registry,
      action: entry.action,
      application: entry.application,
      operator: entry.operator,
      person: entry.person,
      exchangeId: entry.exchangeId,
      at: new Date(entry.at).toISOString(),
      before: entry.before,
      after: entry.after,
      report: entry.report,
    })),
  };
}
