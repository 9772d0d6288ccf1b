import { badRequest, conflict, forbidden, newId, notFound } from '@govstack/platform';
import type { Static } from '@govstack/platform/operation';
import type { Kysely, Transaction } from 'kysely';
import type { RequestDeclaration, RequestView } from '../api/request-shapes.ts';
import { assertWellFormed } from '../api/well-formed.ts';
import { definitionOf, findService } from '../services/services.ts';
import type { FileRow, RegistrationTables, RequestRow, ServiceRow } from '../tables.ts';
import type { Vault } from '../vault.ts';
import { type Asker, assertMaySee, standing } from './access.ts';
import { addEvent, findFile } from './files.ts';

export type Declaration = Static<typeof RequestDeclaration>;
export type View = Static<typeof RequestView>;
type Texts = Readonly<Record<string, string>>;

const dayMs = 86_400_000;

const declared = (service: ServiceRow): [string, Declaration][] =>
  Object.entries(definitionOf(service).requests ?? {});

/** Last moment for a request of this kind; undefined: always. */
function lastMoment({ withinDays }: Declaration, file: FileRow): string | undefined {
  if (withinDays === undefined || file.ended_at === null) return undefined;
  return new Date(Date.parse(file.ended_at) + withinDays * dayMs).toISOString();
}

/** The newest requests about a file, oldest first. */
const requestsOf = async (db: Kysely<RegistrationTables>, fileId: string): Promise<RequestRow[]> => {
  const rows = db.selectFrom('file_request').selectAll().where('file_id', '=', fileId);
  return (await rows.orderBy('id', 'desc').limit(200).execute()).reverse();
};

/** The last request of each kind, however many there were. */
const lastOfEach = (
  db: Kysely<RegistrationTables>,
  fileId: string,
): Promise<Pick<RequestRow, 'kind' | 'state'>[]> =>
  db
    .selectFrom('file_request')
    .select(['kind', 'state'])
    .distinctOn('kind')
    .where('file_id', '=', fileId)
    .orderBy('kind')
    .orderBy('id', 'desc')
    .execute();

/** Whether the asker may make requests about this file: its applicant, or the service for whom it filed. */
function isApplicant(asker: Asker, service: ServiceRow, file: FileRow): boolean {
  if (file.assisted) return standing(asker, service).kind === 'service';
  return asker.person !== undefined && asker.person.id === file.applicant;
}

/** Whether the process that began with this file could know of such a request. */
function isAwaited(service: ServiceRow, kind: string, { awaited }: Declaration, file: FileRow): boolean {
  const since = (service.requests_since as Record<string, string>)[kind];
  return !awaited || since === undefined || Date.parse(file.registered_at) >= Date.parse(since);
}

/** Why a request of this kind cannot be made now; undefined: it can. */
function obstacle(
  kind: string,
  declaration: Declaration,
  service: ServiceRow,
  file: FileRow,
  earlier: readonly Pick<RequestRow, 'kind' | 'state'>[],
  now: string,
): { readonly type: string; readonly detail: string } | undefined {
  const type = (name: string): string => `urn:govstack:registration:request-${name}`;
  if (!declaration.when.includes(file.status) || !isAwaited(service, kind, declaration, file))
    return { type: type('not-offered'), detail: 'This is not possible while the application stands so' };
  const last = lastMoment(declaration, file);
  if (last !== undefined && now > last)
    return { type: type('too-late'), detail: `This was possible until ${last}` };
  const same = earlier.find((one) => one.kind === kind);
  if (same?.state === 'open')
    return { type: type('open'), detail: 'An earlier request of this kind is not answered yet' };
  if (declaration.once && same) return { type: type('made-before'), detail: 'This is possible once only' };
  return undefined;
}

/** Requests about a file with their answers, and those that the asker can make now. */
export async function requestsAbout(
  db: Kysely<RegistrationTables>,
  vault: Vault,
  asker: Asker,
  file: FileRow,
  service: ServiceRow,
) {
  const declarations = declared(service);
  if (declarations.length === 0) return { requests: [], offers: [] };
  const rows = await requestsOf(db, file.id);
  const now = new Date().toISOString();
  const offered = isApplicant(asker, service, file) ? declarations : [];
  const earlier = offered.length > 0 ? await lastOfEach(db, file.id) : [];
  return {
    requests: rows.map((row) => toView(vault, service, row)),
    offers: offered
      .filter(([kind, declaration]) => !obstacle(kind, declaration, service, file, earlier, now))
      .map(([kind, declaration]) => {
        const until = lastMoment(declaration, file);
        return {
          kind,
          name: declaration.name,
          explanation: declaration.explanation,
          ...(until === undefined ? {} : { until }),
        };
      }),
  };
}

function toView(vault: Vault, service: ServiceRow, row: RequestRow): View {
  const { text } = vault.open<{ text: string }>(row.content);
  const answer = row.answer === null ? undefined : vault.open<Texts>(row.answer);
  return {
    requestId: row.id,
    kind: row.kind,
    name: definitionOf(service).requests?.[row.kind]?.name ?? { en: row.kind },
    text,
    state: row.state,
    made: row.made_at,
    ...(answer === undefined ? {} : { answer: { ...answer } }),
    ...(row.answered_at === null ? {} : { answered: row.answered_at }),
  };
}

/**
 * The applicant asks something about their file; the process is told afterwards. Throws problems: 404 for a file of
 * somebody else and a kind that the service does not offer, 403 for who is not the applicant, 409 when it is too late,
 * was made before, or the file does not stand so.
 */
export async function makeRequest(
  trx: Transaction<RegistrationTables>,
  vault: Vault,
  asker: Asker,
  id: string,
  wanted: { readonly kind: string; readonly text: string },
): Promise<View> {
  const found = await findFile(trx, id);
  const service = await findService(trx, found.service_id);
  assertMaySee(asker, service, found);
  if (!isApplicant(asker, service, found)) throw forbidden('Only the applicant can ask for this');
  const declaration = new Map(declared(service)).get(wanted.kind);
  if (!declaration) throw notFound('Kind of request');
  if (wanted.text.trim().length < 3)
    throw badRequest('The request has no words', [
      { in: 'body', pointer: '/text', detail: 'must say what is asked for' },
    ]);
  assertWellFormed(wanted.text, '/text');
  const file = await lockFile(trx, found.id);
  const earlier = await lastOfEach(trx, file.id);
  const now = new Date().toISOString();
  const refusal = obstacle(wanted.kind, declaration, service, file, earlier, now);
  if (refusal) throw conflict(refusal.detail, refusal.type);
  const row: RequestRow = {
    id: newId(),
    file_id: file.id,
    kind: wanted.kind,
    content: vault.seal({ text: wanted.text }),
    state: 'open',
    answer: null,
    made_at: now,
    answered_at: null,
  };
  await trx.insertInto('file_request').values(row).execute();
  await addEvent(trx, file.id, 'request-made', 'applicant', { kind: wanted.kind });
  return toView(vault, service, row);
}

const lockFile = (trx: Transaction<RegistrationTables>, id: string): Promise<FileRow> =>
  trx.selectFrom('application_file').selectAll().where('id', '=', id).forUpdate().executeTakeFirstOrThrow();

/** A request about this file, held until the transaction ends. */
export async function lockRequest(
  trx: Transaction<RegistrationTables>,
  fileId: string,
  requestId: string,
): Promise<RequestRow> {
  const row = await trx
    .selectFrom('file_request')
    .selectAll()
    .where('file_id', '=', fileId)
    .where('id', '=', requestId)
    .forUpdate()
    .executeTakeFirst();
  if (!row) throw notFound('Request');
  return row;
}

/** Notes how a request ended. */
export async function closeRequest(
  trx: Transaction<RegistrationTables>,
  vault: Vault,
  row: RequestRow,
  state: 'upheld' | 'dismissed' | 'answered',
  answer: Texts,
  actor: string,
): Promise<RequestRow> {
  const closed = { state, answer: vault.seal(answer), answered_at: new Date().toISOString() };
  await trx.updateTable('file_request').set(closed).where('id', '=', row.id).execute();
  await addEvent(trx, row.file_id, `request-${state}`, actor, { kind: row.kind });
  return { ...row, ...closed };
}

/** The process answers a request. A request that is answered stays as it is: repeating it changes nothing. */
export async function answerRequest(
  trx: Transaction<RegistrationTables>,
  vault: Vault,
  asker: Asker,
  target: { readonly fileId: string; readonly requestId: string },
  answer: Texts,
): Promise<View> {
  const file = await findFile(trx, target.fileId);
  const service = await findService(trx, file.service_id);
  if (asker.caller.application !== service.owner)
    throw forbidden('Only the application of the service answers requests');
  const row = await lockRequest(trx, file.id, target.requestId);
  if (row.state !== 'open') return toView(vault, service, row);
  const actor = asker.caller.operator ?? asker.caller.application;
  return toView(vault, service, await closeRequest(trx, vault, row, 'answered', answer, actor));
}
