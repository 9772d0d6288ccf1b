import { badRequest } from '@govstack/platform';
import type { Static } from '@govstack/platform/operation';
import { type RawBuilder, sql } from 'kysely';
import type { PatientSearch } from '../api/fhir/operations.ts';
import type { Comparison } from '../dci/query.ts';
import { columnRef, table, visible } from '../records/statement.ts';
import type { FieldType } from '../schema/field.ts';
import {
  type Fhir,
  identifierCondition,
  type Patients,
  patientTemplate,
  selectRows,
  showResources,
  uuidPattern,
  where,
} from './fhir.ts';

export type Sought = Static<typeof PatientSearch>;

const defaultCount = 50;
const mostCounted = 10_000;
const pagePurpose = 'fhir-page';

/** `ge2001-02`: which comparison, with the first instant of the period and the first one after it. */
export function dateOf(text: string): { readonly is: string; readonly from: string; readonly to: string } {
  const match = /^(eq|ne|gt|lt|ge|le)?(\d{4}(?:-\d{2}(?:-\d{2}(?:T.+)?)?)?)$/.exec(text);
  const date = match?.[2] ?? '';
  const from = new Date(date.length === 4 ? `${date}-01-01` : date.length === 7 ? `${date}-01` : date);
  if (!match || Number.isNaN(from.getTime()))
    throw badRequest('A date is written as 2001, 2001-02 or 2001-02-03');
  const to = new Date(from);
  if (date.length === 4) to.setUTCFullYear(to.getUTCFullYear() + 1);
  else if (date.length === 7) to.setUTCMonth(to.getUTCMonth() + 1);
  else if (date.length === 10) to.setUTCDate(to.getUTCDate() + 1);
  else to.setUTCMilliseconds(to.getUTCMilliseconds() + 1);
  return { is: match[1] ?? 'eq', from: from.toISOString(), to: to.toISOString() };
}

/** How a value that lies in time stands to a period, by FHIR's prefixes. */
function periodSql(
  column: RawBuilder<unknown>,
  type: 'date' | 'timestamptz',
  text: string,
): RawBuilder<unknown> {
  const { is, from, to } = dateOf(text);
  const at = (instant: string) =>
    type === 'date' ? sql`${instant.slice(0, 10)}::date` : sql`${instant}::timestamptz`;
  switch (is) {
    case 'ne':
      return sql`(${column} < ${at(from)} or ${column} >= ${at(to)})`;
    case 'gt':
      return sql`${column} >= ${at(to)}`;
    case 'lt':
      return sql`${column} < ${at(from)}`;
    case 'ge':
      return sql`${column} >= ${at(from)}`;
    case 'le':
      return sql`${column} < ${at(to)}`;
    default:
      return sql`(${column} >= ${at(from)} and ${column} < ${at(to)})`;
  }
}

/** How names begin, whatever their case. */
const beginsWith = (column: RawBuilder<unknown>, text: string): RawBuilder<unknown> =>
  sql`${column} ilike ${`${text.replaceAll(/[\\%_]/g, '\\$&')}%`}`;

/** Conditions of a search; and the attributes that were asked about. */
function conditionsOf(fhir: Fhir, patients: Patients, sought: Sought) {
  const { patient, attributes } = patients;
  const asked: string[] = [];
  const conditions: RawBuilder<unknown>[] = [];
  const attributeFor = (parameter: keyof typeof patient.search, ...types: FieldType[]) => {
    const name = patient.search[parameter];
    const attribute = name === undefined ? undefined : attributes.get(name);
    const fits = attribute && (types.length === 0 || types.includes(attribute.field.type));
    if (name === undefined || !attribute || !fits) throw badRequest(`${parameter} is not searched by here`);
    asked.push(name);
    return attribute;
  };
  if (sought._id !== undefined)
    conditions.push(uuidPattern.test(sought._id) ? sql`uuid = ${sought._id}::uuid` : sql`false`);
  if (sought.identifier !== undefined) {
    const condition = identifierCondition(patients, sought.identifier);
    asked.push(...Object.values(patient.identifiers));
    conditions.push(condition ? where(patients, condition, fhir.now()) : sql`false`);
  }
  for (const parameter of ['family', 'given'] as const)
    if (sought[parameter] !== undefined)
      conditions.push(beginsWith(columnRef(attributeFor(parameter, 'text').field), sought[parameter]));
  if (sought.name !== undefined) {
    const parts = (['family', 'given'] as const)
      .filter((parameter) => patient.search[parameter] !== undefined)
      .map((parameter) =>
        beginsWith(columnRef(attributeFor(parameter, 'text').field), sought.name as string),
      );
    if (parts.length === 0) throw badRequest('name is not searched by here');
    conditions.push(sql`(${sql.join(parts, sql` or `)})`);
  }
  if (sought.gender !== undefined) {
    const { name } = attributeFor('gender');
    const value = sought.gender.split(',');
    const is: Comparison = 'in';
    conditions.push(where(patients, { attribute: name, is, value }, fhir.now()));
  }
  for (const date of sought.birthdate ?? []) {
    const { field } = attributeFor('birthdate', 'date', 'date-time');
    conditions.push(periodSql(columnRef(field), field.type === 'date' ? 'date' : 'timestamptz', date));
  }
  for (const date of sought._lastUpdated ?? [])
    conditions.push(periodSql(sql.id('modified_at'), 'timestamptz', date));
  return { conditions, asked };
}

interface Page {
  readonly sought: Sought;
  readonly after?: string;
}

/** Patients that match, a page of them. The links to pages hold what was searched, sealed. */
export async function searchPatients(fhir: Fhir, patients: Patients, given: Sought) {
  const page: Page = given._page === undefined ? { sought: given } : pageOf(fhir, given._page);
  const { conditions, asked } = conditionsOf(fhir, patients, page.sought);
  const count = given._count ?? page.sought._count ?? defaultCount;
  const beyond = page.after === undefined ? [] : [sql`uuid > ${page.after}::uuid`];
  const rows = await selectRows(fhir, patients, [...conditions, ...beyond], count + 1);
  const shown = rows.slice(0, count);
  const resources = await showResources(fhir, patients, 'list', shown, patientTemplate(patients), asked);
  const { granted } = patients;
  const counted = await sql<{ count: string }>`
    select count(*) as count
    from (
      select 1 from ${table(granted.registry)}
      where ${sql.join([sql`state = 'active'`, visible(granted), ...conditions], sql` and `)}
      limit ${mostCounted + 1}
    ) as counted`.execute(fhir.db);
  const total = Number(counted.rows[0]?.count);
  const link = (relation: string, to: Page) => ({
    relation,
    url: `Patient?_page=${fhir.vault.seal(to, pagePurpose).toString('base64url')}`,
  });
  const last = rows.length > count ? shown.at(-1) : undefined;
  return {
    resourceType: 'Bundle',
    type: 'searchset',
    ...(total > mostCounted ? {} : { total }),
    link: [
      link('self', page),
      ...(last ? [link('next', { sought: { ...page.sought, _count: count }, after: last.uuid })] : []),
    ],
    entry: resources.map((resource) => ({
      fullUrl: `urn:uuid:${resource.id}`,
      resource,
      search: { mode: 'match' },
    })),
  };
}

function pageOf({ vault }: Fhir, token: string): Page {
  try {
    return vault.open(Buffer.from(token, 'base64url'), pagePurpose) as Page;
  } catch {
    throw badRequest('This is not a page of a search');
  }
}
