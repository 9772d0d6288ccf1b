import { notFound } from '@govstack/platform';
import type { ApplicationFile, ApplicationStatus, Backend, TaskSummary } from '../backend.ts';
import type { FileView } from './applications.ts';
import { formOf } from './applications.ts';
import type { Catalogue } from './catalogue.ts';
import type { Clients } from './clients.ts';
import { toRequests } from './file-requests.ts';
import { toHistory } from './history.ts';
import { type ReviewDeclaration, reviewOf } from './review.ts';
import { isText, serviceName } from './sheet.ts';

/** Name of the applicant as the answers give it. */
const applicantOf = (file: FileView): string => {
  const { givenName, familyName } = file.applicationData.formData.data;
  const name = [givenName, familyName].filter((part) => typeof part === 'string').join(' ');
  return name === '' ? file.reference : name;
};

/** The officers' work, at the registration block and as the signed-in officer. */
export function createTasks(
  clients: Clients,
  catalogue: Catalogue,
): Pick<Backend, 'tasks' | 'task' | 'file' | 'decide' | 'answer'> {
  const { registration } = clients;

  async function fileOf(
    fileId: string,
    task:
      | {
          readonly name: string;
          readonly form: string;
          readonly data: Readonly<Record<string, unknown>>;
          readonly decided: boolean;
        }
      | undefined,
  ): Promise<ApplicationFile> {
    const file = (await registration.readApplication({ params: { fileId } })).body;
    const service = await catalogue.byId(file.serviceId);
    if (!service) throw notFound('Service');
    const form = await formOf(clients, file);
    const answers = file.applicationData.formData.data;
    const { outcome } = file;
    const variables = { ...outcome?.facts, ...task?.data };
    const kept = outcome?.facts?.evidence as Readonly<Record<string, unknown>> | undefined;
    const review = (service.sheet.review ?? {}) as ReviewDeclaration;
    return {
      application: {
        id: file.fileId,
        reference: file.reference,
        service: serviceName(service),
        serviceId: service.code,
        status: file.status.code as ApplicationStatus,
        submittedAt: file.registered,
        updatedAt: file.ended ?? file.registered,
      },
      applicant: applicantOf(file),
      outcomes: task && !task.decided && task.form !== 'answer' ? ['APPROVED', 'REJECTED'] : [],
      asksForAnswer: task !== undefined && !task.decided && task.form === 'answer',
      ...(task ? { task: task.name } : {}),
      ...(isText(task?.data.explanation) ? { explanation: task.data.explanation } : {}),
      requests: toRequests(file),
      form,
      answers,
      ...reviewOf(review, form, answers, variables, task?.data ?? kept, file.registered),
      history: toHistory(file.history),
      ...(outcome
        ? {
            decision: {
              outcome: outcome.status,
              reasons: outcome.reasons.map((reason) => reason.text),
              at: file.ended ?? file.registered,
            },
          }
        : {}),
    };
  }

  return {
    async tasks(viewer, { page, size, state }) {
      const range = { firstResult: (page - 1) * size, maxResult: size + 1 };
      const services = await catalogue.all();
      const nameOf = (id: string, otherwise: string) => {
        const service = services.find((one) => one.id === id);
        return service ? serviceName(service) : { en: otherwise };
      };
      const rows: TaskSummary[] =
        state === 'open'
          ? (await registration.listTasks({ query: range })).body.map((task) => ({
              taskId: task.taskId,
              applicationId: task.fileId,
              reference: task.reference,
              service: nameOf(task.serviceId, task.serviceName),
              createdAt: task.created,
              name: task.name,
              status: 'PENDING',
              ...(task.assigneeId === null
                ? {}
                : { assignee: task.assigneeId === viewer.id ? 'viewer' : 'other' }),
            }))
          : (await registration.listApplications({ query: { ...range, status: state } })).body.map(
              (file) => ({
                applicationId: file.fileId,
                reference: file.reference,
                service: nameOf(file.serviceId, file.serviceName),
                createdAt: file.ended ?? file.registered,
                status: file.status as ApplicationStatus,
              }),
            );
      return { items: rows.slice(0, size), hasMore: rows.length > size };
    },
    async task(_viewer, taskId) {
      const { body } = await registration.readTask({ params: { taskId } });
      const decided = ['completed', 'withdrawn'].includes(body.status);
      return fileOf(body.fileId, { name: body.taskName, form: body.form, data: body.data, decided });
    },
    file: (_viewer, applicationId) => fileOf(applicationId, undefined),
    async decide(_viewer, taskId, decision, key) {
      if (decision.outcome === 'SENDBACK') throw notFound('Decision');
      await registration.completeTask({
        params: { taskId },
        idempotencyKey: key,
        body: { data: { decision: { status: decision.outcome, reason: decision.reason } } },
      });
    },
    async answer(_viewer, taskId, text, key) {
      const body = { data: { answer: { text } } };
      await registration.completeTask({ params: { taskId }, idempotencyKey: key, body });
    },
  };
}
