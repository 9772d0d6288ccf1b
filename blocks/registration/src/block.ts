import {
  CallFailed,
  defineBlock,
  forbidden,
  hear,
  implement,
  newContext,
  notFound,
  once,
  type Person,
  transaction,
  withContext,
} from '@govstack/platform';
import { Type } from '@govstack/platform/operation';
import { sql } from 'kysely';
import { fileDecided, fileSubmitted, registrationApi, registrationDesign } from './api/operations.ts';
import { standing } from './files/access.ts';
import {
  findFile,
  listFiles,
  readFile,
  recordOutcome,
  type Submission,
  submitFile,
  toFileView,
} from './files/files.ts';
import { answerRequest, makeRequest } from './files/requests.ts';
import type { EForm } from './forms/eform.ts';
import {
  definitionOf,
  findEForm,
  findService,
  putService,
  toEFormHeader,
  toService,
} from './services/services.ts';
import type { RegistrationTables } from './tables.ts';
import {
  claimTask,
  completeTask,
  listTasks,
  openTask,
  readTask,
  said,
  serviceOfTask,
  withdrawTask,
} from './tasks/tasks.ts';
import { createVault } from './vault.ts';
import { processEngine, userTaskCreated, userTaskWithdrawn } from './workflow/contract.ts';

/** Services, forms, applications and the tasks of those who decide on them. */
export const registration = defineBlock({
  name: 'registration',
  title: 'Registration',
  version: '0.1.0',
  surfaces: [registrationApi, registrationDesign],
  config: Type.Object({}),
  migrations: new URL('../migrations/', import.meta.url),
  emits: [fileSubmitted, fileDecided],
  hears: [userTaskCreated.type, userTaskWithdrawn.type],
  async start(ctx) {
    const db = ctx.database<RegistrationTables>();
    const vault = createVault(ctx.secret('applications'));

    const engineOf = (service: { owner: string; definition: unknown }) => {
      const { process } = definitionOf(service as never);
      return {
        processId: process.processId,
        client: ctx.mediation.client(processEngine, process.service, { as: service.owner }),
      };
    };

    /** The engine may know more of a person than their token says: agencies withdraw rights there. Throws 403. */
    const assertRights = async (officer: Person, taskId: string): Promise<void> => {
      const { client } = engineOf(await serviceOfTask(db, officer, taskId));
      try {
        await client.readUserTask({ params: { taskId } });
      } catch (error) {
        if (!(error instanceof CallFailed)) throw error;
        if (error.status === 403) throw forbidden('The process engine does not let this person do the task');
        // What the engine has forgotten, it keeps from nobody.
        if (error.status !== 404) throw error;
      }
    };

    return {
      jobs: [
        {
          name: 'start-process',
          concurrency: 16,
          retryLimit: 100,
          async handle(data) {
            const { fileId } = data as { fileId: string };
            const file = await findFile(db, fileId);
            const service = await findService(db, file.service_id);
            const submission = vault.open<Submission>(file.data);
            const { client, processId } = engineOf(service);
            await withContext(newContext({ correlationId: file.correlation_id }), () =>
              client.startProcess({
                params: { processId },
                idempotencyKey: file.id,
                body: {
                  processStartedBy: file.submitted_by,
                  businessKey: file.id,
                  variables: {
                    fileId: file.id,
                    reference: file.reference,
                    applicantId: file.applicant,
                    assisted: file.assisted,
                    consentRecordId: file.consent_record_id,
                    application: submission.formData.data,
                  },
                },
              }),
            );
          },
        },
        {
          name: 'open-task',
          concurrency: 8,
          retryLimit: 100,
          async handle(data) {
            const { taskId, fileId, correlationId } = data as {
              taskId: string;
              fileId: string;
              correlationId: string;
            };
            const file = await findFile(db, fileId);
            const service = await findService(db, file.service_id);
            const { client } = engineOf(service);
            const { body: task } = await withContext(newContext({ correlationId }), () =>
              client.readUserTask({ params: { taskId } }),
            );
            await transaction(db, (trx) =>
              openTask(trx, vault, {
                id: task.id,
                name: task.name,
                role: task.candidateRole ?? 'officer',
                form: task.formRef ?? 'decision',
                excluded: task.excludedPersons,
                fileId: file.id,
                variables: task.variables,
              }),
            );
          },
        },
        {
          name: 'tell-process',
          concurrency: 8,
          retryLimit: 100,
          async handle(data) {
            const { requestId } = data as { requestId: string };
            const request = await db
              .selectFrom('file_request')
              .selectAll()
              .where('id', '=', requestId)
              .executeTakeFirstOrThrow();
            const file = await findFile(db, request.file_id);
            const service = await findService(db, file.service_id);
            const { client } = engineOf(service);
            const { text } = vault.open<{ text: string }>(request.content);
            const { kind, made_at: made } = request;
            await withContext(newContext({ correlationId: file.correlation_id }), () =>
              client.publishMessage({
                body: {
                  messageId: request.id,
                  name: definitionOf(service).requests?.[kind]?.message ?? kind,
                  correlationKey: file.id,
                  timeToLive: 2_592_000,
                  payload: {
                    request: { requestId: request.id, kind, text, made },
                    fileId: file.id,
                    reference: file.reference,
                    applicantId: file.applicant,
                    application: vault.open<Submission>(file.data).formData.data,
                  },
                },
              }),
            );
          },
        },
        {
          name: 'complete-task',
          concurrency: 8,
          retryLimit: 100,
          async handle(data) {
            const { taskId } = data as { taskId: string };
            const task = await db
              .selectFrom('task')
              .selectAll()
              .where('id', '=', taskId)
              .executeTakeFirstOrThrow();
            const file = await findFile(db, task.file_id);
            const service = await findService(db, task.service_id);
            const { client } = engineOf(service);
            const body = { variables: said(task) };
            try {
              await withContext(newContext({ correlationId: file.correlation_id }), () =>
                client.completeUserTask({ params: { taskId }, idempotencyKey: taskId, body }),
              );
            } catch (error) {
              // The process has gone on without this decision (it was stopped, say); there is nothing left to tell it.
              if (!(error instanceof CallFailed) || (error.status !== 404 && error.status !== 409))
                throw error;
              ctx.log.warn({ taskId, status: error.status }, 'the process no longer waits for this decision');
            }
          },
        },
      ],
      hears: [
        hear(userTaskCreated, async (trx, event) => {
          const { taskId, businessKey } = event.data;
          if (businessKey === null) return;
          const known = await sql<{ correlation_id: string; owner: string }>`
            select f.correlation_id, s.owner
            from application_file f
            join service s on s.id = f.service_id
            where f.id::text = ${businessKey}`.execute(trx);
          const file = known.rows[0];
          if (!file) return; // A process of somebody else.
          await ctx.jobs.send(trx, 'open-task', {
            taskId,
            fileId: businessKey,
            correlationId: file.correlation_id,
          });
        }),
        hear(userTaskWithdrawn, async (trx, event) => {
          const { taskId, businessKey } = event.data;
          if (businessKey !== null) await withdrawTask(trx, vault, { id: taskId, fileId: businessKey });
        }),
      ],
      surfaces: [
        implement(registrationApi, {
          listServices: async ({ query }) => {
            const rows = await db
              .selectFrom('service')
              .selectAll()
              .where('active', '=', true)
              .orderBy('code')
              .limit(500)
              .execute();
            const services = rows.map(toService);
            return {
              status: 200,
              body:
                query.name === undefined
                  ? services
                  : services.filter((service) => service.name === query.name),
            };
          },
          readService: async ({ params }) => ({
            status: 200,
            body: toService(await findService(db, params.serviceId)),
          }),
          listEForms: async ({ params }) => {
            const service = await findService(db, params.serviceId);
            const rows = await db
              .selectFrom('eform')
              .selectAll()
              .where('service_id', '=', service.id)
              .where('latest', '=', true)
              .orderBy('id')
              .limit(100)
              .execute();
            return { status: 200, body: rows.map(toEFormHeader) };
          },
          readEForm: async ({ params }) => {
            const eform = await findEForm(db, params.eFormId);
            const schema = eform.document as EForm & Record<string, unknown>;
            return { status: 200, body: { ...toEFormHeader(eform), schema } };
          },
          submitApplication: async ({ params, body, caller, person, idempotencyKey }) => {
            const scope = `${caller.application}/${person?.id ?? ''}/submitApplication`;
            return once(db, { scope, key: idempotencyKey, request: { params, body } }, async (trx) => {
              const { file, service } = await submitFile(
                trx,
                vault,
                { caller, person },
                params.serviceId,
                body,
              );
              await ctx.jobs.send(trx, 'start-process', { fileId: file.id });
              return { status: 200, body: await toFileView(trx, vault, { caller, person }, file, service) };
            });
          },
          listApplications: async ({ query, caller, person }) => ({
            status: 200,
            body: await listFiles(db, { caller, person }, query),
          }),
          readApplication: async ({ params, caller, person }) => ({
            status: 200,
            body: await readFile(db, vault, { caller, person }, params.fileId),
          }),
          recordOutcome: ({ params, body, caller }) =>
            transaction(db, async (trx) => {
              const asker = { caller, person: undefined };
              const { file, service } = await recordOutcome(trx, vault, asker, params.fileId, body);
              return { status: 200, body: await toFileView(trx, vault, asker, file, service) };
            }),
          makeRequest: ({ params, body, caller, person, idempotencyKey }) => {
            const scope = `${caller.application}/${person?.id ?? ''}/makeRequest`;
            return once(db, { scope, key: idempotencyKey, request: { params, body } }, async (trx) => {
              const request = await makeRequest(trx, vault, { caller, person }, params.fileId, body);
              await ctx.jobs.send(trx, 'tell-process', { requestId: request.requestId });
              return { status: 201, body: request };
            });
          },
          answerRequest: ({ params, body, caller }) =>
            transaction(db, async (trx) => ({
              status: 200,
              body: await answerRequest(trx, vault, { caller, person: undefined }, params, body.text),
            })),
          saveDraft: async ({ params, body, person }) => {
            const service = await findService(db, params.serviceId);
            const eform = await findEForm(db, body.eFormId);
            if (eform.service_id !== service.id) throw notFound('eForm');
            const saved = {
              eform_id: eform.id,
              data: vault.seal(body.data),
              saved_at: new Date().toISOString(),
            };
            await db
              .insertInto('draft')
              .values({ service_id: service.id, applicant: person.id, ...saved })
              .onConflict((existing) => existing.constraint('draft_pkey').doUpdateSet(saved))
              .execute();
            return { status: 200, body: { savedAt: saved.saved_at } };
          },
          readDraft: async ({ params, person }) => {
            const service = await findService(db, params.serviceId);
            const draft = await db
              .selectFrom('draft')
              .selectAll()
              .where('service_id', '=', service.id)
              .where('applicant', '=', person.id)
              .executeTakeFirst();
            if (!draft) throw notFound('Draft');
            return {
              status: 200,
              body: {
                eFormId: draft.eform_id,
                data: vault.open<Record<string, unknown>>(draft.data),
                savedAt: draft.saved_at,
              },
            };
          },
          listTasks: async ({ query, person }) => ({ status: 200, body: await listTasks(db, person, query) }),
          readTask: async ({ params, person }) => {
            await assertRights(person, params.taskId);
            return { status: 200, body: await readTask(db, vault, person, params.taskId) };
          },
          claimTask: async ({ params, person }) => {
            await assertRights(person, params.taskId);
            return transaction(db, async (trx) => {
              await claimTask(trx, person, params.taskId);
              return { status: 200, body: { taskId: params.taskId, assigneeId: person.id } };
            });
          },
          completeTask: async ({ params, body, caller, person, idempotencyKey }) => {
            await assertRights(person, params.taskId);
            const scope = `${caller.application}/${person.id}/completeTask`;
            return once(db, { scope, key: idempotencyKey, request: { params, body } }, async (trx) => {
              const { task, service, fresh } = await completeTask(trx, person, params.taskId, body.data);
              if (fresh) await ctx.jobs.send(trx, 'complete-task', { taskId: task.id });
              return {
                status: 200,
                body: {
                  taskId: task.id,
                  fileId: task.file_id,
                  serviceId: service.id,
                  status: 'decision' in body.data ? body.data.decision.status : 'completed',
                  variables: { ...body.data },
                },
              };
            });
          },
          readStatistics: async ({ query, caller, person }) => {
            const service = await findService(db, query.serviceId);
            if (!['officer', 'service'].includes(standing({ caller, person }, service).kind))
              throw notFound('Service');
            const { rows } = await sql<{ status: string; count: number }>`
              select status, count(*)::integer as count
              from application_file
              where service_id = ${service.id}
              group by status`.execute(db);
            const of = (status: string): number => rows.find((row) => row.status === status)?.count ?? 0;
            const [approved, rejected, pending, sentBack] = [
              of('APPROVED'),
              of('REJECTED'),
              of('PENDING'),
              of('SENDBACK'),
            ];
            return {
              status: 200,
              body: [{ processed: approved + rejected, pending, approved, sentBack, rejected }],
            };
          },
        }),
        implement(registrationDesign, {
          putService: ({ params, body, caller }) =>
            transaction(db, async (trx) => ({
              status: 200,
              body: await putService(trx, caller.application, params.code, body),
            })),
        }),
      ],
    };
  },
});
