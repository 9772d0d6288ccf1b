import { createHash } from 'node:crypto';
import { forbidden, newId, notFound } from '@govstack/platform';
import type { Static } from '@govstack/platform/operation';
import canonicalize from 'canonicalize';
import type { Kysely, Transaction } from 'kysely';
import type { registrationDesign } from '../api/operations.ts';
import { readEForm } from '../forms/deploy.ts';
import type { EForm, Texts } from '../forms/eform.ts';
import type { EFormRow, RegistrationTables, ServiceRow } from '../tables.ts';

export type ServiceDefinition = Static<(typeof registrationDesign.operations.putService)['body']>;

export const definitionOf = (service: ServiceRow): ServiceDefinition =>
  service.definition as ServiceDefinition;

const english = (texts: Texts): string => texts.en ?? Object.values(texts)[0] ?? '';

const isUuid = (value: string): boolean => /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/i.test(value);

/** A service by id or code. */
export async function findService(db: Kysely<RegistrationTables>, idOrCode: string): Promise<ServiceRow> {
  const row = await db
    .selectFrom('service')
    .selectAll()
    .where(isUuid(idOrCode) ? 'id' : 'code', '=', idOrCode)
    .executeTakeFirst();
  if (!row) throw notFound('Service');
  return row;
}

export async function findEForm(db: Kysely<RegistrationTables>, id: string): Promise<EFormRow> {
  const row = isUuid(id)
    ? await db.selectFrom('eform').selectAll().where('id', '=', id).executeTakeFirst()
    : undefined;
  if (!row) throw notFound('eForm');
  return row;
}

const sameDefinition = (left: unknown, right: unknown): boolean => canonicalize(left) === canonicalize(right);

/** Since when each kind of request is offered; a service that is new has offered all from its beginning. */
function requestsSince(
  existing: ServiceRow | undefined,
  definition: ServiceDefinition,
): Record<string, string> {
  if (!existing) return {};
  const before = definitionOf(existing).requests ?? {};
  const now = new Date().toISOString();
  const added = Object.keys(definition.requests ?? {}).filter((kind) => !Object.hasOwn(before, kind));
  return { ...(existing.requests_since as object), ...Object.fromEntries(added.map((kind) => [kind, now])) };
}

/** Publishes a service. An unchanged definition answers what is there; a changed form becomes a new version. */
export async function putService(
  trx: Transaction<RegistrationTables>,
  owner: string,
  code: string,
  definition: ServiceDefinition,
): Promise<{ serviceId: string; eFormId: string; version: number }> {
  const form = readEForm(definition.eForm);
  const existing = await trx
    .selectFrom('service')
    .selectAll()
    .where('code', '=', code)
    .forUpdate()
    .executeTakeFirst();
  if (existing && existing.owner !== owner) throw forbidden('The service belongs to another application');
  const plain = JSON.parse(JSON.stringify(definition)) as ServiceDefinition;
  const changed = !existing || !sameDefinition(existing.definition, plain);
  const serviceId = existing?.id ?? newId();
  const version = existing ? existing.version + (changed ? 1 : 0) : 1;
  const columns = {
    definition: JSON.stringify(plain),
    version,
    active: definition.active ?? true,
    requests_since: JSON.stringify(requestsSince(existing, plain)),
  };
  if (!existing)
    await trx
      .insertInto('service')
      .values({ id: serviceId, code, owner, ...columns })
      .execute();
  else if (changed) await trx.updateTable('service').set(columns).where('id', '=', serviceId).execute();
  return { serviceId, eFormId: await putEForm(trx, serviceId, form), version };
}

async function putEForm(
  trx: Transaction<RegistrationTables>,
  serviceId: string,
  form: EForm,
): Promise<string> {
  const latest = await trx
    .selectFrom('eform')
    .selectAll()
    .where('service_id', '=', serviceId)
    .where('name', '=', form.id)
    .where('latest', '=', true)
    .executeTakeFirst();
  if (latest && sameDefinition(latest.document, JSON.parse(JSON.stringify(form)))) return latest.id;
  await trx
    .updateTable('eform')
    .set({ latest: false })
    .where('service_id', '=', serviceId)
    .where('latest', '=', true)
    .execute();
  const id = newId();
  // The same version number with other questions gets a suffix that says so.
  const taken = await trx
    .selectFrom('eform')
    .select('id')
    .where('service_id', '=', serviceId)
    .where('name', '=', form.id)
    .where('version', '=', form.version)
    .executeTakeFirst();
  const digest = createHash('sha256')
    .update(canonicalize(form) ?? '')
    .digest('hex')
    .slice(0, 8);
  const version = taken ? `${form.version}-${digest}` : form.version;
  await trx
    .insertInto('eform')
    .values({
      id,
      service_id: serviceId,
      name: form.id,
      version,
      document: JSON.stringify(form),
      latest: true,
    })
    .onConflict((conflict) => conflict.constraint('eform_version_key').doUpdateSet({ latest: true }))
    .execute();
  const row = await trx
    .selectFrom('eform')
    .select('id')
    .where('service_id', '=', serviceId)
    .where('latest', '=', true)
    .executeTakeFirstOrThrow();
  return row.id;
}

/** A service in the words of the published API, with what the portal shows. */
export function toService(row: ServiceRow) {
  const definition = definitionOf(row);
  return {
    id: row.id,
    code: row.code,
    name: english(definition.name),
    type: 'Public' as const,
    version: String(row.version),
    isExecutable: row.active,
    isClosed: !row.active,
    description: english(definition.description),
    serviceBody: [],
    sheet: { ...definition.sheet, name: definition.name, description: definition.description },
    owner: row.owner,
    consent: definition.consent ?? null,
  };
}

export const toEFormHeader = (row: EFormRow) => ({
  eFormId: row.id,
  name: english((row.document as EForm).name),
  description: '',
  version: row.version,
  latest: row.latest,
});
