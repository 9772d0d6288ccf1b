import { randomInt } from 'node:crypto';
import {
  announce,
  badRequest,
  conflict,
  currentContext,
  forbidden,
  newContext,
  newId,
  notFound,
  Problem,
} from '@govstack/platform';
import type { Static } from '@govstack/platform/operation';
import type { Kysely, Transaction } from 'kysely';
import { fileDecided, fileSubmitted, type registrationApi } from '../api/operations.ts';
import type { EForm } from '../forms/eform.ts';
import { validateSubmission } from '../forms/validate.ts';
import { definitionOf, findEForm, findService } from '../services/services.ts';
import type { FileRow, RegistrationTables, ServiceRow } from '../tables.ts';
import type { Vault } from '../vault.ts';
import { type Asker, assertMaySee, standing } from './access.ts';
import { closeRequest, lockRequest, requestsAbout } from './requests.ts';

export type Submission = Static<(typeof registrationApi.operations.submitApplication)['body']>;
export type FileView = Static<(typeof registrationApi.operations.readApplication)['responses'][200]>;
export type Outcome = Static<(typeof registrationApi.operations.recordOutcome)['body']>;

const titles: Readonly<Record<FileRow['status'], string>> = {
  PENDING: 'Being processed',
  SENDBACK: 'Sent back to you',
  APPROVED: 'Approved',
  REJECTED: 'Rejected',
};

const alphabet = '23456789ABCDEFGHJKMNPQRSTVWXYZ';

/** A number people can read out: no letters that look alike, and it tells nothing. */
const newReference = (): string => {
  const draw = (count: number): string =>
    Array.from({ length: count }, () => alphabet[randomInt(alphabet.length)]).join('');
  return `${draw(4)}-${draw(4)}-${draw(4)}`;
};

/** The day in the country's time zone, as forms mean `today`. */
const todayIn = (timeZone: string, now: Date): string =>
  new Intl.DateTimeFormat('sv-SE', { timeZone }).format(now);

export async function addEvent(
  trx: Transaction<RegistrationTables>,
  fileId: string,
  kind: string,
  actor: string,
  note?: unknown,
): Promise<void> {
  await trx
    .insertInto('file_event')
    .values({
      id: newId(),
      file_id: fileId,
      at: new Date().toISOString(),
      kind,
      actor,
      note: note === undefined ? null : JSON.stringify(note),
    })
    .execute();
}

/** Stores a valid application; the caller then has its process started. All defects of the form are reported together. */
export async function submitFile(
  trx: Transaction<RegistrationTables>,
  vault: Vault,
  asker: Asker,
  serviceId: string,
  submission: Submission,
): Promise<{ file: FileRow; service: ServiceRow; data: Record<string, unknown> }> {
  const service = await findService(trx, serviceId);
  if (!service.active) throw notFound('Service');
  const definition = definitionOf(service);
  const role = standing(asker, service);
  const applicant = submission.applicantId;
  if (asker.person ? applicant !== asker.person.id : role.kind !== 'service') {
    throw forbidden(
      asker.person
        ? 'A person applies for themself'
        : 'Only the application of the service may file for others',
    );
  }
  const eform = await findEForm(trx, submission.formData.eFormId);
  if (eform.service_id !== service.id) throw badRequest('The form is not one of this service');
  if (!eform.latest)
    throw conflict('The form has changed since; the answers must be given to its new version');
  if (definition.consent && submission.consentRecordId === undefined) {
    throw badRequest('Consent is needed', [
      { in: 'body', pointer: '/consentRecordId', detail: 'is required' },
    ]);
  }
  const today = todayIn(definition.timeZone ?? 'UTC', new Date());
  const { data, defects } = validateSubmission(eform.document as EForm, submission.formData.data, today);
  if (defects.length > 0) {
    throw new Problem(400, 'The application has defects', {
      type: 'urn:govstack:registration:defects',
      errors: defects.map((defect) => ({
        in: 'body',
        pointer: `/formData/data${defect.pointer}`,
        detail: `${defect.code}: ${defect.message}`,
      })),
    });
  }
  const file: FileRow = {
    id: newId(),
    reference: newReference(),
    service_id: service.id,
    eform_id: eform.id,
    applicant,
    submitted_by: asker.caller.application,
    assisted: asker.person === undefined,
    data: vault.seal({ ...submission, formData: { ...submission.formData, data } }),
    consent_record_id: submission.consentRecordId ?? null,
    status: 'PENDING',
    outcome: null,
    correlation_id: (currentContext() ?? newContext()).correlationId,
    registered_at: new Date().toISOString(),
    ended_at: null,
  };
  await trx.insertInto('application_file').values(file).execute();
  if (definition.onePerApplicant) {
    const free = await trx
      .insertInto('open_application')
      .values({ service_id: service.id, applicant, file_id: file.id })
      .onConflict((existing) => existing.constraint('open_application_pkey').doNothing())
      .returning('file_id')
      .executeTakeFirst();
    if (!free)
      throw conflict(
        'There is an open application of this applicant already',
        'urn:govstack:registration:open-application',
      );
  }
  await trx
    .deleteFrom('draft')
    .where('service_id', '=', service.id)
    .where('applicant', '=', applicant)
    .execute();
  await addEvent(trx, file.id, 'submitted', asker.person ? 'applicant' : asker.caller.application);
  await announce(trx, fileSubmitted, { subject: file.id, data: { fileId: file.id, serviceId: service.id } });
  return { file, service, data };
}

const isUuid = (value: string): boolean => /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/i.test(value);

/** A file by id or reference. */
export async function findFile(db: Kysely<RegistrationTables>, idOrReference: string): Promise<FileRow> {
  const row = await db
    .selectFrom('application_file')
    .selectAll()
    .where(
      isUuid(idOrReference) ? 'id' : 'reference',
      '=',
      isUuid(idOrReference) ? idOrReference : idOrReference.toUpperCase(),
    )
    .executeTakeFirst();
  if (!row) throw notFound('Application');
  return row;
}

export async function toFileView(
  db: Kysely<RegistrationTables>,
  vault: Vault,
  asker: Asker,
  file: FileRow,
  service: ServiceRow,
): Promise<FileView> {
  const events = await db
    .selectFrom('file_event')
    .select(['at', 'kind', 'note'])
    .where('file_id', '=', file.id)
    .orderBy('id', 'desc')
    .limit(200)
    .execute();
  return {
    fileId: file.id,
    reference: file.reference,
    registered: file.registered_at,
    serviceId: service.id,
    serviceName: definitionOf(service).name.en ?? service.code,
    status: { code: file.status, title: titles[file.status] },
    ended: file.ended_at,
    applicationData: vault.open<Submission>(file.data),
    outcome: file.outcome === null ? null : vault.open<Outcome>(file.outcome),
    correlationId: file.correlation_id,
    history: events.reverse().map((event) => ({
      at: event.at,
      kind: event.kind,
      ...(event.note === null ? {} : { note: event.note as Record<string, unknown> }),
    })),
    ...(await requestsAbout(db, vault, asker, file, service)),
  };
}

export async function readFile(
  db: Kysely<RegistrationTables>,
  vault: Vault,
  asker: Asker,
  id: string,
): Promise<FileView> {
  const file = await findFile(db, id);
  const service = await findService(db, file.service_id);
  assertMaySee(asker, service, file);
  return toFileView(db, vault, asker, file, service);
}

/**
 * The process says how it ended. Saying the same again changes nothing; saying something else is a conflict, unless it
 * decides an open request about the file: that it answers.
 */
export async function recordOutcome(
  trx: Transaction<RegistrationTables>,
  vault: Vault,
  asker: Asker,
  id: string,
  outcome: Outcome,
): Promise<{ file: FileRow; service: ServiceRow }> {
  const { id: fileId } = await findFile(trx, id);
  const file = (await trx
    .selectFrom('application_file')
    .selectAll()
    .where('id', '=', fileId)
    .forUpdate()
    .executeTakeFirst()) as FileRow;
  const service = await findService(trx, file.service_id);
  if (asker.caller.application !== service.owner)
    throw forbidden('Only the application of the service records its outcome');
  const { requestId, ...said } = outcome;
  const actor = asker.caller.operator ?? asker.caller.application;
  const changed = file.status !== outcome.status;
  if (requestId !== undefined) {
    const request = await lockRequest(trx, file.id, requestId);
    if (request.state === 'open') {
      const answer = outcome.reasons[0]?.text ?? {};
      await closeRequest(trx, vault, request, changed ? 'upheld' : 'dismissed', answer, actor);
    } else if (changed) throw conflict('The request is decided already');
  } else if (changed && file.ended_at !== null) throw conflict('The application has ended otherwise');
  if (!changed) return { file, service };
  const ended = {
    status: outcome.status,
    outcome: vault.seal(said),
    ended_at: new Date().toISOString(),
  };
  await trx.updateTable('application_file').set(ended).where('id', '=', file.id).execute();
  await trx.deleteFrom('open_application').where('file_id', '=', file.id).execute();
  await addEvent(trx, file.id, outcome.status === 'APPROVED' ? 'approved' : 'rejected', actor);
  await announce(trx, fileDecided, {
    subject: file.id,
    data: { fileId: file.id, serviceId: service.id, status: outcome.status },
  });
  return { file: { ...file, ...ended }, service };
}

export interface FileFilter {
  readonly serviceId?: string;
  readonly applicantId?: string;
  readonly status?: string;
  readonly firstResult?: number;
  readonly maxResult?: number;
}

/** Files the asker may see, newest first: citizens their own, officers their agency's, a service its own. */
export async function listFiles(db: Kysely<RegistrationTables>, asker: Asker, filter: FileFilter) {
  const services = await db.selectFrom('service').selectAll().execute();
  const seen = services
    .filter((service) => ['officer', 'service'].includes(standing(asker, service).kind))
    .map((service) => service.id);
  let query = db.selectFrom('application_file').selectAll();
  if (seen.length > 0) query = query.where('service_id', 'in', seen);
  else if (asker.person) query = query.where('applicant', '=', asker.person.id).where('assisted', '=', false);
  else return [];
  if (filter.serviceId !== undefined) {
    const wanted = services.find(
      (service) => service.id === filter.serviceId || service.code === filter.serviceId,
    );
    if (!wanted) return [];
    query = query.where('service_id', '=', wanted.id);
  }
  if (filter.applicantId !== undefined) query = query.where('applicant', '=', filter.applicantId);
  if (filter.status !== undefined) query = query.where('status', '=', filter.status as FileRow['status']);
  const rows = await query
    .orderBy('registered_at', 'desc')
    .orderBy('id')
    .offset(filter.firstResult ?? 0)
    .limit(filter.maxResult ?? 100)
    .execute();
  const names = new Map(
    services.map((service) => [service.id, definitionOf(service).name.en ?? service.code]),
  );
  return rows.map((row) => ({
    fileId: row.id,
    reference: row.reference,
    status: row.status,
    applicantId: row.applicant,
    registered: row.registered_at,
    serviceId: row.service_id,
    serviceName: names.get(row.service_id) ?? '',
    eformId: row.eform_id,
    ended: row.ended_at,
  }));
}
