import { badRequest, notFound } from '@govstack/platform';
import { type Kysely, sql } from 'kysely';
import type { Filter } from '../records/list.ts';
import type { RegistryTables } from '../tables.ts';
import type { StatisticsQuery } from './statistics.ts';

type Db = Kysely<RegistryTables>;

/** A filter whose value is given when the report is run. */
export interface ReportFilter extends Filter {
  readonly parameter?: string;
}

/** A statistics query under a name, as data. */
export interface Report {
  readonly title: string;
  readonly registry: string;
  readonly query: Omit<StatisticsQuery, 'filter'> & { readonly filter?: readonly ReportFilter[] };
  readonly dashboard?: string | null;
  readonly chart?: 'table' | 'bar' | 'line' | 'number';
}

export async function putReport(
  db: Db,
  owner: string,
  name: string,
  report: Report,
  by: string,
): Promise<void> {
  await sql`
    insert into saved_report (owner, name, definition, modified_by, modified_at)
    values (${owner}, ${name}, ${JSON.stringify(report)}::jsonb, ${by}, now())
    on conflict (owner, name) do update
    set definition = excluded.definition, modified_by = excluded.modified_by, modified_at = excluded.modified_at`.execute(
    db,
  );
}

export async function deleteReport(db: Db, owner: string, name: string): Promise<void> {
  await sql`delete from saved_report where owner = ${owner} and name = ${name}`.execute(db);
}

export async function listReports(db: Db, owner: string): Promise<(Report & { readonly name: string })[]> {
  const { rows } = await sql<{ name: string; definition: Report }>`
    select name, definition
    from saved_report
    where owner = ${owner}
    order by name
    limit 500`.execute(db);
  return rows.map(({ name, definition }) => ({ name, ...definition }));
}

export async function readReport(db: Db, owner: string, name: string): Promise<Report> {
  const { rows } = await sql<{ definition: Report }>`
    select definition
    from saved_report
    where owner = ${owner} and name = ${name}`.execute(db);
  if (!rows[0]) throw notFound('Report');
  return rows[0].definition;
}

export interface RunOptions {
  readonly parameters?: Readonly<Record<string, unknown>>;
  readonly from?: string;
  readonly to?: string;
}

/** The query that a report comes to with parameters: each one given, none unknown. */
export function queryOf(
  query: Report['query'],
  { parameters = {}, from, to }: RunOptions = {},
): StatisticsQuery {
  const asked = new Set(query.filter?.flatMap(({ parameter }) => parameter ?? []));
  const defects = [
    ...[...asked].filter((name) => !Object.hasOwn(parameters, name)).map((name) => [name, 'is required']),
    ...Object.keys(parameters)
      .filter((name) => !asked.has(name))
      .map((name) => [name, 'is not known here']),
  ];
  if (defects.length > 0)
    throw badRequest(
      'The parameters do not fit the report',
      defects.map(([name, detail]) => ({
        in: 'body',
        pointer: `/parameters/${name}`,
        detail: detail as string,
      })),
    );
  const filter = query.filter?.map(({ parameter, ...rest }) =>
    parameter === undefined ? rest : { ...rest, value: parameters[parameter] },
  );
  return {
    ...query,
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    ...(filter === undefined ? {} : { filter }),
  } as StatisticsQuery;
}
