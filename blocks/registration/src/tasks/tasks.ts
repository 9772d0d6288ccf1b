import { badRequest, conflict, forbidden, memberOf, notFound, type Person } from '@govstack/platform';
import type { Static } from '@govstack/platform/operation';
import canonicalize from 'canonicalize';
import { type Kysely, sql, type Transaction } from 'kysely';
import type { registrationApi } from '../api/operations.ts';
import { assertWellFormed } from '../api/well-formed.ts';
import { addEvent, findFile, type Submission } from '../files/files.ts';
import { definitionOf, findService } from '../services/services.ts';
import type { FileRow, RegistrationTables, ServiceRow, TaskRow } from '../tables.ts';
import type { Vault } from '../vault.ts';

type Completion = Static<(typeof registrationApi.operations.completeTask)['body']>['data'];

/** What a person said, as the process gets it: `decision` or `answer`, with who said it. */
export const said = (task: TaskRow): Record<string, object> => {
  const { by, ...completion } = task.decision as Completion & { by: string };
  return Object.fromEntries(Object.entries(completion).map(([name, value]) => [name, { ...value, by }]));
};

const formOf = (task: Pick<TaskRow, 'form'>): 'answer' | 'decision' =>
  task.form === 'answer' ? 'answer' : 'decision';

/** Takes over a task of a process for the operators of the service. The same task again changes nothing. */
export async function openTask(
  trx: Transaction<RegistrationTables>,
  vault: Vault,
  task: {
    id: string;
    name: string;
    role: string;
    form: string;
    excluded: readonly string[];
    fileId: string;
    variables: Record<string, unknown>;
  },
): Promise<void> {
  const file = await findFile(trx, task.fileId);
  const created = await trx
    .insertInto('task')
    .values({
      id: task.id,
      file_id: file.id,
      service_id: file.service_id,
      name: task.name,
      role: task.role,
      form: task.form,
      excluded: [...task.excluded],
      variables: vault.seal(task.variables),
      state: 'unassigned',
      assignee: null,
      decision: null,
      created_at: new Date().toISOString(),
      completed_at: null,
    })
    .onConflict((existing) => existing.constraint('task_pkey').doNothing())
    .returning('id')
    .executeTakeFirst();
  if (created) await addEvent(trx, file.id, 'with-officer', 'process');
}

/**
 * The process no longer waits for this task: it leaves the lists, and can no longer be done. One that has not come here
 * yet leaves its place, so that it never opens.
 */
export async function withdrawTask(
  trx: Transaction<RegistrationTables>,
  vault: Vault,
  task: { readonly id: string; readonly fileId: string },
): Promise<void> {
  await sql`
    insert into task (id, file_id, service_id, name, role, variables, state, created_at)
    select ${task.id}, f.id, f.service_id, '', '', ${vault.seal({})}, 'withdrawn', now()
    from application_file f
    where f.id::text = ${task.fileId}
    on conflict on constraint task_pkey do update set state = 'withdrawn'
    where task.state in ('unassigned', 'claimed')`.execute(trx);
}

async function taskFor(
  db: Kysely<RegistrationTables>,
  officer: Person,
  id: string,
  lock = false,
): Promise<{ task: TaskRow; service: ServiceRow; file: FileRow }> {
  let query = db.selectFrom('task').selectAll().where('id', '=', id);
  if (lock) query = query.forUpdate();
  const task = await query.executeTakeFirst();
  if (!task) throw notFound('Task');
  const service = await findService(db, task.service_id);
  if (officer.agency !== memberOf(service.owner)) throw notFound('Task');
  if (!officer.roles.includes(task.role)) throw forbidden(`The task is for the role ${task.role}`);
  if (task.excluded.includes(officer.id)) throw forbidden('Whoever decided before does not decide again');
  return { task, service, file: await findFile(db, task.file_id) };
}

/** Service of a task that the officer may work on, as their token says. Throws 404 or 403. */
export const serviceOfTask = async (
  db: Kysely<RegistrationTables>,
  officer: Person,
  id: string,
): Promise<ServiceRow> => (await taskFor(db, officer, id)).service;

const toRow = (task: TaskRow, service: ServiceRow, reference: string, eFormId: string) => ({
  taskId: task.id,
  assigneeId: task.assignee,
  roleId: task.role,
  created: task.created_at,
  description: '',
  serviceId: service.id,
  serviceName: definitionOf(service).name.en ?? service.code,
  fileId: task.file_id,
  reference,
  eFormId,
  status: task.state,
  form: formOf(task),
});

/** Open tasks of the officer's agency and roles, oldest first. */
export async function listTasks(
  db: Kysely<RegistrationTables>,
  officer: Person,
  filter: { fileId?: string; assigneeId?: string; firstResult?: number; maxResult?: number },
) {
  const services = (await db.selectFrom('service').selectAll().execute()).filter(
    (service) => memberOf(service.owner) === officer.agency,
  );
  if (services.length === 0) return [];
  let query = db
    .selectFrom('task')
    .innerJoin('application_file', 'application_file.id', 'task.file_id')
    .selectAll('task')
    .select(['application_file.reference', 'application_file.eform_id'])
    .where('task.state', 'in', ['unassigned', 'claimed'])
    .where(sql<boolean>`not (${officer.id} = any(task.excluded))`)
    .where(
      'task.service_id',
      'in',
      services.map((service) => service.id),
    )
    .where('task.role', 'in', [...officer.roles]);
  if (filter.fileId !== undefined) query = query.where('task.file_id', '=', filter.fileId);
  if (filter.assigneeId !== undefined) query = query.where('task.assignee', '=', filter.assigneeId);
  const rows = await query
    .orderBy('task.created_at')
    .orderBy('task.id')
    .offset(filter.firstResult ?? 0)
    .limit(filter.maxResult ?? 100)
    .execute();
  const byId = new Map(services.map((service) => [service.id, service]));
  return rows.map((row) => ({
    ...toRow(row, byId.get(row.service_id) as ServiceRow, row.reference, row.eform_id),
    name: row.name,
  }));
}

export async function readTask(db: Kysely<RegistrationTables>, vault: Vault, officer: Person, id: string) {
  const { task, service, file } = await taskFor(db, officer, id);
  return {
    ...toRow(task, service, file.reference, file.eform_id),
    taskName: task.name,
    formVariables: vault.open<Submission>(file.data).formData.data,
    data: vault.open<Record<string, unknown>>(task.variables),
  };
}

/** Gives the task to the officer; who holds it already keeps it. */
export async function claimTask(
  trx: Transaction<RegistrationTables>,
  officer: Person,
  id: string,
): Promise<void> {
  const { task, file } = await taskFor(trx, officer, id, true);
  if (task.state === 'completed') throw conflict('The task is done');
  if (task.state === 'withdrawn') throw conflict('The task is no longer to be done');
  if (task.assignee === officer.id) return;
  if (task.assignee !== null) throw conflict('Another officer has taken the task');
  if (file.applicant === officer.id) throw forbidden('Nobody decides on their own application');
  await trx
    .updateTable('task')
    .set({ state: 'claimed', assignee: officer.id })
    .where('id', '=', task.id)
    .execute();
}

/** What the officer says. The same again is answered as done; something else on a done task is a conflict. */
export async function completeTask(
  trx: Transaction<RegistrationTables>,
  officer: Person,
  id: string,
  completion: Completion,
): Promise<{ task: TaskRow; service: ServiceRow; fresh: boolean }> {
  const { task, service, file } = await taskFor(trx, officer, id, true);
  if (file.applicant === officer.id) throw forbidden('Nobody decides on their own application');
  if (task.state === 'completed') {
    if (canonicalize(task.decision) === canonicalize({ ...completion, by: officer.id }))
      return { task, service, fresh: false };
    throw conflict('The task is done');
  }
  if (task.state === 'withdrawn') throw conflict('The task is no longer to be done');
  if (!(formOf(task) in completion))
    throw badRequest('The task asks for something else', [
      { in: 'body', pointer: `/data/${formOf(task)}`, detail: 'is what the task asks for' },
    ]);
  if ('answer' in completion) assertWellFormed(completion.answer.text, '/data/answer/text');
  else assertWellFormed(completion.decision.reason, '/data/decision/reason');
  if (task.assignee !== null && task.assignee !== officer.id)
    throw conflict('Another officer has taken the task');
  await trx
    .updateTable('task')
    .set({
      state: 'completed',
      assignee: officer.id,
      decision: JSON.stringify({ ...completion, by: officer.id }),
      completed_at: new Date().toISOString(),
    })
    .where('id', '=', task.id)
    .execute();
  const kind = formOf(task) === 'answer' ? 'officer-answered' : 'officer-decided';
  await addEvent(trx, file.id, kind, officer.id);
  return { task, service, fresh: true };
}
