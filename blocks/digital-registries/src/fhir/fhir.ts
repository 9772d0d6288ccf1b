import { badRequest, notFound, Problem } from '@govstack/platform';
import { type Kysely, type RawBuilder, sql } from 'kysely';
import type { DataMethod, Gate, Granted, Reader } from '../access/access.ts';
import type { Mapping } from '../api/mappings/document.ts';
import { conditionSql } from '../dci/condition.ts';
import type { Condition } from '../dci/query.ts';
import { Rejected } from '../dci/rejected.ts';
import type { Vault } from '../dci/sealed.ts';
import type { SubjectHash } from '../history/read-log.ts';
import { type Attribute, attributesOf } from '../mapping/attribute.ts';
import { attributesIn, render } from '../mapping/render.ts';
import { readMapping } from '../mapping/store.ts';
import type { Row } from '../records/content.ts';
import { shownRows } from '../records/read.ts';
import { inWordsOfTheRequest, table, visible } from '../records/statement.ts';
import type { RegistryTables } from '../tables.ts';

export interface Fhir {
  readonly db: Kysely<RegistryTables>;
  readonly gate: Gate;
  readonly hash: SubjectHash;
  /** Keeps what was searched out of the addresses of pages. */
  readonly vault: Vault;
  readonly now: () => Date;
}

/** A registry as FHIR shows it to one reader. */
export interface Patients {
  readonly mapping: Mapping;
  readonly patient: NonNullable<Mapping['fhir']>['patient'];
  readonly granted: Granted;
  readonly reader: Reader;
  readonly attributes: ReadonlyMap<string, Attribute>;
}

export async function openPatients(
  { db, gate }: Fhir,
  owner: string,
  name: string,
  reader: Reader,
  method: DataMethod,
): Promise<Patients> {
  const mapping = await readMapping(db, owner, name);
  if (!mapping.fhir) throw notFound('A registry of patients');
  const granted = await gate.open(reader, mapping.registry, mapping.version ?? 'latest', method);
  const attributes = attributesOf(mapping, granted.fields);
  return { mapping, patient: mapping.fhir.patient, granted, reader, attributes };
}

/** A condition in attributes as SQL; what it cannot be is a bad request. */
export function where({ attributes }: Patients, condition: Condition, now: Date): RawBuilder<unknown> {
  try {
    return conditionSql(condition, attributes, now, 'rjct.search_criteria.invalid');
  } catch (error) {
    throw error instanceof Rejected ? badRequest(error.message) : error;
  }
}

/** Active records that the reader may see. */
export async function selectRows(
  { db }: Fhir,
  { granted }: Patients,
  conditions: readonly RawBuilder<unknown>[],
  limit: number,
): Promise<Row[]> {
  const all = [sql`state = 'active'`, visible(granted), ...conditions];
  const { rows } = await inWordsOfTheRequest(
    granted.registry.current,
    sql<Row>`
      select * from ${table(granted.registry)}
      where ${sql.join(all, sql` and `)}
      order by uuid
      limit ${limit}`.execute(db),
  );
  return rows;
}

/** Rows as resources. Leaves a trace of the fields that are shown, and of those that were asked about. */
export async function showResources(
  fhir: Fhir,
  patients: Patients,
  method: DataMethod,
  rows: readonly Row[],
  template: unknown,
  also: readonly string[] = [],
): Promise<Record<string, unknown>[]> {
  const { granted, reader, attributes } = patients;
  const names = [...attributesIn(template), ...also];
  const fields = [...new Set(names.flatMap((name) => attributes.get(name)?.field ?? []))];
  await shownRows(fhir.db, granted, reader, method, rows, fhir.hash, fields);
  return rows.map((row) => ({
    ...(render(template, attributes, row, fhir.now()) as object | undefined),
    id: row.uuid,
    meta: { versionId: String(row.row_version), lastUpdated: new Date(row.modified_at).toISOString() },
  }));
}

export const patientTemplate = ({ patient }: Patients) => ({
  resourceType: 'Patient',
  ...(patient.template as object),
});

export const uuidPattern = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export const noResource = (id: string): Problem => new Problem(404, `There is no resource ${id} here`);

export async function readPatient(
  fhir: Fhir,
  patients: Patients,
  id: string,
): Promise<Record<string, unknown>> {
  const rows = uuidPattern.test(id) ? await selectRows(fhir, patients, [sql`uuid = ${id}::uuid`], 1) : [];
  if (rows.length === 0) throw noResource(`Patient/${id}`);
  const [resource] = await showResources(fhir, patients, 'read', rows, patientTemplate(patients));
  return resource as Record<string, unknown>;
}

/** `system|value`, or a value of any system, as conditions; undefined: no such system. */
export function identifierCondition({ patient }: Patients, token: string): Condition | undefined {
  const bar = token.indexOf('|');
  const system = bar === -1 ? undefined : token.slice(0, bar);
  const value = token.slice(bar + 1);
  const any = Object.entries(patient.identifiers)
    .filter(([one]) => system === undefined || system === '' || one === system)
    .map(([, attribute]) => ({ attribute, is: 'eq' as const, value }));
  return any.length === 0 || value === '' ? undefined : { any };
}
