import { type Kysely, sql } from 'kysely';
import type { Granted } from '../access/access.ts';
import type { RecordView } from '../records/view.ts';
import type { RegistryTables } from '../tables.ts';
import { labelIn } from './code-lists.ts';

/** What the keys in a record are called, by field and key. */
export type Labels = Record<string, Record<string, string>>;

/** Records with what the keys of code lists in them are called in a language. */
export async function withLabels<R extends Pick<RecordView, 'content'>>(
  db: Kysely<RegistryTables>,
  { registry, fields }: Granted,
  records: readonly R[],
  language: string | undefined,
): Promise<(R & { readonly labels?: Labels })[]> {
  const coded = fields.filter(({ catalogue }) => catalogue !== undefined);
  if (language === undefined || coded.length === 0) return [...records];
  const found = new Map<string, string>();
  for (const list of new Set(coded.map(({ catalogue }) => catalogue as string))) {
    const keys = coded
      .filter(({ catalogue }) => catalogue === list)
      .flatMap(({ name }) => records.flatMap(({ content }) => [content[name] ?? []].flat()));
    const { rows } = await sql<{ key: string; labels: Record<string, string> }>`
      select i.key, i.labels
      from code_list l
      join code_item i on i.list_id = l.id
      where l.owner = ${registry.owner}
        and l.code = ${list}
        and i.key = any(${[...new Set(keys.map(String))]}::text[])`.execute(db);
    for (const { key, labels } of rows) found.set(`${list}\0${key}`, labelIn(labels, language, key));
  }
  return records.map((record) => {
    const labels = Object.fromEntries(
      coded.flatMap(({ name, catalogue }) => {
        const keys = [record.content[name] ?? []].flat().map(String);
        const named = keys.flatMap((key) => {
          const label = found.get(`${catalogue}\0${key}`);
          return label === undefined ? [] : [[key, label] as const];
        });
        return named.length === 0 ? [] : [[name, Object.fromEntries(named)] as const];
      }),
    );
    return { ...record, labels };
  });
}
