import { conflict, forbidden, memberOf, notFound, type Person } from '@govstack/platform';
import type { Kysely, Transaction } from 'kysely';
import { addEvent, findFile, type Submission } from '../files/files.ts';
import { definitionOf, findService } from '../services/services.ts';
import type { FileRow, RegistrationTables, ServiceRow, TaskRow } from '../tables.ts';
import type { Vault } from '../vault.ts';

export interface Decision {
  readonly status: 'APPROVED' | 'REJECTED';
  readonly reason: string;
}

/** Takes over a task of a process for the operators of the service. The same task again changes nothing. */
export async function openTask(
  trx: Transaction<RegistrationTables>,
  vault: Vault,
  task: { id: string; name: string; role: string; fileId: string; variables: Record<string, unknown> },
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
  return { task, service, file: await findFile(db, task.file_id) };
}

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
    .where('task.state', '<>', 'completed')
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
  if (task.assignee === officer.id) return;
  if (task.assignee !== null) throw conflict('Another officer has taken the task');
  if (file.applicant === officer.id) throw forbidden('Nobody decides on their own application');
  await trx
    .updateTable('task')
    .set({ state: 'claimed', assignee: officer.id })
    .where('id', '=', task.id)
    .execute();
}

/** The officer's decision. The same decision again is answered as done; another one on a done task is a conflict. */
export async function completeTask(
  trx: Transaction<RegistrationTables>,
  officer: Person,
  id: string,
  decision: Decision,
): Promise<{ task: TaskRow; service: ServiceRow; fresh: boolean }> {
  const { task, service, file } = await taskFor(trx, officer, id, true);
  if (file.applicant === officer.id) throw forbidden('Nobody decides on their own application');
  if (task.state === 'completed') {
    const earlier = task.decision as Decision & { by: string };
    if (earlier.by === officer.id && earlier.status === decision.status)
      return { task, service, fresh: false };
    throw conflict('The task is done');
  }
  if (task.assignee !== null && task.assignee !== officer.id)
    throw conflict('Another officer has taken the task');
  await trx
    .updateTable('task')
    .set({
      state: 'completed',
      assignee: officer.id,
      decision: JSON.stringify({ ...decision, by: officer.id }),
      completed_at: new Date().toISOString(),
    })
    .where('id', '=', task.id)
    .execute();
  await addEvent(trx, file.id, 'officer-decided', officer.id);
  return { task, service, fresh: true };
}
