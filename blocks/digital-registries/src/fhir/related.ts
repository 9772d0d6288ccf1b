import { badRequest, notFound } from '@govstack/platform';
import { type RawBuilder, sql } from 'kysely';
import type { Row } from '../records/content.ts';
import { columnRef } from '../records/statement.ts';
import {
  type Fhir,
  noResource,
  type Patients,
  selectRows,
  showResources,
  uuidPattern,
  where,
} from './fhir.ts';

/** Children of a mother in an answer. */
const mostChildren = 100;
const relationship = {
  coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-RoleCode', code: 'MTH', display: 'mother' }],
};

/** How the registry names mothers; 404 where it does not, or the reader may not see it. */
function motherIn({ mapping, attributes }: Patients) {
  const mother = mapping.fhir?.mother;
  const attribute = mother && attributes.get(mother.identifier);
  if (!attribute) throw notFound('A registry of mothers');
  return { ...mother, named: sql`${columnRef(attribute.field)} is not null` };
}

/** Children as their mothers: a RelatedPerson has the id of the patient whose mother it is. */
function show(fhir: Fhir, patients: Patients, rows: readonly Row[]) {
  const { template, identifier } = motherIn(patients);
  const resource = {
    resourceType: 'RelatedPerson',
    ...(template as object),
    patient: { reference: 'Patient/$(@uuid)' },
    relationship: [relationship],
  };
  return showResources(fhir, patients, 'read', rows, resource, [identifier]);
}

export async function readMother(
  fhir: Fhir,
  patients: Patients,
  id: string,
): Promise<Record<string, unknown>> {
  const { named } = motherIn(patients);
  const rows = uuidPattern.test(id)
    ? await selectRows(fhir, patients, [sql`uuid = ${id}::uuid`, named], 1)
    : [];
  const [resource] = rows.length > 0 ? await show(fhir, patients, rows) : [];
  if (!resource) throw noResource(`RelatedPerson/${id}`);
  return resource;
}

/** The mother of a patient, or a mother once for each of her children. */
export async function searchMothers(
  fhir: Fhir,
  patients: Patients,
  sought: { readonly patient?: string; readonly identifier?: string },
) {
  const { named, identifier, system } = motherIn(patients);
  const conditions: RawBuilder<unknown>[] = [named];
  if (sought.patient !== undefined) {
    const id = sought.patient.replace(/^Patient\//, '');
    conditions.push(uuidPattern.test(id) ? sql`uuid = ${id}::uuid` : sql`false`);
  }
  if (sought.identifier !== undefined) {
    const bar = sought.identifier.indexOf('|');
    const value = sought.identifier.slice(bar + 1);
    const other = bar > 0 && sought.identifier.slice(0, bar) !== system;
    conditions.push(
      other ? sql`false` : where(patients, { attribute: identifier, is: 'eq', value }, fhir.now()),
    );
  }
  if (conditions.length === 1) throw badRequest('Say whose mother, or which one: patient, identifier');
  const rows = await selectRows(fhir, patients, conditions, mostChildren);
  const resources = await show(fhir, patients, rows);
  return {
    resourceType: 'Bundle',
    type: 'searchset',
    total: resources.length,
    entry: resources.map((resource) => ({ resource, search: { mode: 'match' } })),
  };
}
