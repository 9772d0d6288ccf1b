import { badRequest, conflict, notFound, type ProblemDetail } from '@govstack/platform';
import canonicalize from 'canonicalize';
import { type Kysely, sql } from 'kysely';
import type { RegistryTables } from '../tables.ts';

type Db = Kysely<RegistryTables>;

/** What a local key is in another vocabulary. */
export interface Mapping {
  readonly vocabulary: string;
  readonly uri: string;
}

export interface CodeItem {
  readonly key: string;
  /** By language (BCP 47). */
  readonly labels: Readonly<Record<string, string>>;
  readonly parent?: string | undefined;
  readonly uri?: string | undefined;
  readonly mappings?: readonly Mapping[] | undefined;
  /** First and last day on which it can be chosen. */
  readonly validFrom?: string | undefined;
  readonly validTo?: string | undefined;
}

export interface CodeListContent {
  readonly name: string;
  readonly description?: string | undefined;
  /** The vocabulary it is, when it is a published one. */
  readonly uri?: string | undefined;
  readonly items: readonly CodeItem[];
}

export interface CodeListInfo {
  readonly code: string;
  readonly name: string;
  readonly description: string;
  readonly uri: string | null;
  readonly version: number;
  readonly modifiedAt: string;
}

/** Keys are known once, parents are there, nothing is above itself, and times do not end before they begin. */
function assertWhole(items: readonly CodeItem[]): void {
  const errors: ProblemDetail[] = [];
  const byKey = new Map<string, CodeItem>();
  const wrong = (index: number, part: string, detail: string): void =>
    void errors.push({ in: 'body', pointer: `/items/${index}/${part}`, detail });
  for (const [index, item] of items.entries()) {
    if (byKey.has(item.key)) wrong(index, 'key', 'is there twice');
    byKey.set(item.key, item);
    if (Object.keys(item.labels).length === 0) wrong(index, 'labels', 'must have one');
    if (item.validFrom && item.validTo && item.validTo < item.validFrom)
      wrong(index, 'validTo', 'is before validFrom');
  }
  const sound = new Set<string>();
  for (const [index, item] of items.entries()) {
    const path = new Set<string>();
    let at: CodeItem | undefined = item;
    while (at && !sound.has(at.key)) {
      if (path.has(at.key)) {
        wrong(index, 'parent', 'leads back to itself');
        break;
      }
      path.add(at.key);
      const above: string | undefined = at.parent;
      at = above === undefined ? undefined : byKey.get(above);
      if (above !== undefined && !at) wrong(index, 'parent', 'is not a key of this list');
    }
    for (const key of path) sound.add(key);
  }
  if (errors.length > 0) throw badRequest('The code list is not valid', errors.slice(0, 100));
}

const listRow = (db: Db, owner: string, code: string) =>
  db
    .selectFrom('code_list')
    .selectAll()
    .where('owner', '=', owner)
    .where('code', '=', code.toLowerCase())
    .executeTakeFirst();

/**
 * Keeps a code list; other content is another version. Keys that were published stay, so that records keep their labels:
 * what is not to be chosen any more gets a `validTo`.
 */
export async function putCodeList(
  db: Db,
  owner: string,
  code: string,
  content: CodeListContent,
  by: string,
): Promise<{ readonly version: number }> {
  assertWhole(content.items);
  return db.transaction().execute(async (trx) => {
    await sql`select pg_advisory_xact_lock(hashtext(${`code-list/${owner}/${code}`}))`.execute(trx);
    const existing = await listRow(trx, owner, code);
    const told = {
      name: content.name,
      description: content.description ?? '',
      uri: content.uri ?? null,
    };
    if (existing) {
      const latest = await trx
        .selectFrom('code_list_version')
        .select('content')
        .where('list_id', '=', existing.id)
        .where('version', '=', existing.version)
        .executeTakeFirstOrThrow();
      if (canonicalize(latest.content) === canonicalize(JSON.parse(JSON.stringify(content))))
        return { version: existing.version };
      const { rows: gone } = await sql<{ key: string }>`
        select key
        from code_item
        where list_id = ${existing.id}::bigint
          and key <> all(${content.items.map(({ key }) => key)}::text[])
        limit 20`.execute(trx);
      if (gone.length > 0)
        throw conflict(
          `Keys that were published stay; give them a validTo: ${gone.map(({ key }) => key).join(', ')}`,
        );
    }
    const version = (existing?.version ?? 0) + 1;
    const now = new Date().toISOString();
    const list = existing
      ? await trx
          .updateTable('code_list')
          .set({ ...told, version, modified_at: now, modified_by: by })
          .where('id', '=', existing.id)
          .returning('id')
          .executeTakeFirstOrThrow()
      : await trx
          .insertInto('code_list')
          .values({ ...told, owner, code, modified_by: by })
          .returning('id')
          .executeTakeFirstOrThrow();
    const { items } = content;
    await sql`
      insert into code_item (list_id, key, position, parent, labels, uri, mappings, valid_from, valid_to)
      select ${list.id}::bigint, i.*
      from unnest(
        ${items.map(({ key }) => key)}::text[],
        ${items.map((_, position) => position)}::integer[],
        ${items.map(({ parent }) => parent ?? null)}::text[],
        ${items.map(({ labels }) => JSON.stringify(labels))}::jsonb[],
        ${items.map(({ uri }) => uri ?? null)}::text[],
        ${items.map(({ mappings }) => JSON.stringify(mappings ?? []))}::jsonb[],
        ${items.map(({ validFrom }) => validFrom ?? null)}::date[],
        ${items.map(({ validTo }) => validTo ?? null)}::date[]
      ) as i
      on conflict on constraint code_item_pkey do update
      set position = excluded.position, parent = excluded.parent, labels = excluded.labels, uri = excluded.uri,
        mappings = excluded.mappings, valid_from = excluded.valid_from, valid_to = excluded.valid_to`.execute(
      trx,
    );
    await trx
      .insertInto('code_list_version')
      .values({
        list_id: list.id,
        version,
        content: JSON.stringify(content),
        published_at: now,
        published_by: by,
      })
      .execute();
    return { version };
  });
}

const mostLists = 1000;

export async function listCodeLists(db: Db, owner: string): Promise<CodeListInfo[]> {
  const rows = await db
    .selectFrom('code_list')
    .selectAll()
    .where('owner', '=', owner)
    .orderBy('code')
    .limit(mostLists)
    .execute();
  return rows.map((row) => ({
    code: row.code,
    name: row.name,
    description: row.description,
    uri: row.uri,
    version: row.version,
    modifiedAt: row.modified_at,
  }));
}

/** A code list as it was published in a version, the newest when none is named. */
export async function readCodeList(
  db: Db,
  owner: string,
  code: string,
  version?: number,
): Promise<CodeListContent & { readonly code: string; readonly version: number }> {
  const list = await listRow(db, owner, code);
  const wanted = version ?? list?.version;
  const found =
    list &&
    (await db
      .selectFrom('code_list_version')
      .select('content')
      .where('list_id', '=', list.id)
      .where('version', '=', wanted as number)
      .executeTakeFirst());
  if (!list || !found) throw notFound('Code list');
  return { ...(found.content as CodeListContent), code: list.code, version: wanted as number };
}

export interface Lookup {
  /** Part of a label, or the beginning of a key. */
  readonly search?: string | undefined;
  /** Only what is right below this key; empty: only what has nothing above it. */
  readonly parent?: string | undefined;
  readonly language?: string | undefined;
  /** The day on which it can be chosen. */
  readonly at: string;
  /** Also what cannot be chosen on that day. */
  readonly all?: boolean | undefined;
  readonly limit: number;
  /** `next` of the page before. */
  readonly after?: number | undefined;
}

export interface FoundItem {
  readonly key: string;
  readonly label: string;
  readonly parent: string | null;
  readonly uri: string | null;
  readonly mappings: Mapping[];
  readonly validFrom: string | null;
  readonly validTo: string | null;
  readonly hasChildren: boolean;
}

/** The label in a language, in its main language, or any. */
export function labelIn(
  labels: Readonly<Record<string, string>>,
  language: string | undefined,
  key: string,
): string {
  const main = language?.split('-')[0] ?? '';
  return labels[language ?? ''] ?? labels[main] ?? labels.en ?? Object.values(labels)[0] ?? key;
}

/** Keys of a code list to choose from, in its order. */
export async function lookUp(
  db: Db,
  owner: string,
  code: string,
  sought: Lookup,
): Promise<{ readonly items: FoundItem[]; readonly next: number | undefined }> {
  const list = await listRow(db, owner, code);
  if (!list) throw notFound('Code list');
  const pattern = sought.search?.replaceAll(/[\\%_]/g, '\\$&') ?? '';
  const { rows } = await sql<{
    key: string;
    position: number;
    parent: string | null;
    labels: Record<string, string>;
    uri: string | null;
    mappings: Mapping[];
    valid_from: string | null;
    valid_to: string | null;
    has_children: boolean;
  }>`
    select i.*, exists (
      select from code_item c where c.list_id = i.list_id and c.parent = i.key
    ) as has_children
    from code_item i
    where i.list_id = ${list.id}::bigint
      and i.position > ${sought.after ?? -1}::integer
      and (${sought.parent ?? null}::text is null or coalesce(i.parent, '') = ${sought.parent ?? null}::text)
      and (
        ${sought.all ?? false}::boolean
        or (
          (i.valid_from is null or i.valid_from <= ${sought.at}::date)
          and (i.valid_to is null or i.valid_to >= ${sought.at}::date)
        )
      )
      and (
        ${pattern} = ''
        or i.key ilike ${`${pattern}%`}
        or exists (select from jsonb_each_text(i.labels) l where l.value ilike ${`%${pattern}%`})
      )
    order by i.position
    limit ${sought.limit + 1}`.execute(db);
  const page = rows.slice(0, sought.limit);
  return {
    items: page.map((row) => ({
      key: row.key,
      label: labelIn(row.labels, sought.language, row.key),
      parent: row.parent,
      uri: row.uri,
      mappings: row.mappings,
      validFrom: row.valid_from,
      validTo: row.valid_to,
      hasChildren: row.has_children,
    })),
    next: rows.length > sought.limit ? page.at(-1)?.position : undefined,
  };
}
