import { CallFailed } from '@govstack/platform';
import type {
  ApplicationStatus,
  ApplicationView,
  Backend,
  Draft,
  SubmissionDefect,
  Viewer,
} from '../backend.ts';
import { type EForm, parseEForm } from '../forms/eform.ts';
import type { Text } from '../languages.ts';
import type { Catalogue } from './catalogue.ts';
import type { Clients } from './clients.ts';
import type { createConsents } from './consents.ts';
import { refusalOf, toRequests } from './file-requests.ts';
import { toHistory } from './history.ts';
import { serviceName } from './sheet.ts';

type Applications = Pick<
  Backend,
  'form' | 'draft' | 'drafts' | 'saveDraft' | 'submit' | 'applications' | 'application' | 'makeRequest'
>;

export type FileView = Awaited<ReturnType<Clients['registration']['readApplication']>>['body'];

const missing = (error: unknown): boolean => error instanceof CallFailed && error.status === 404;

/** The form a file was filled in on. */
export async function formOf({ registration }: Clients, file: FileView): Promise<EForm> {
  const params = { eFormId: file.applicationData.formData.eFormId };
  return parseEForm((await registration.readEForm({ params })).body.schema);
}

/** Defects in the registration block's refusal: pointers into the body, `code: message` as detail. */
function defectsOf(error: unknown): readonly SubmissionDefect[] | undefined {
  if (!(error instanceof CallFailed) || error.status !== 400) return undefined;
  if (error.problem?.type !== 'urn:govstack:registration:defects') return undefined;
  return (error.problem.errors ?? []).map(({ pointer, detail }) => {
    const inData = pointer.replace(/^\/formData\/data/, '');
    const [code = 'type', ...message] = detail.split(': ');
    return { fieldId: inData.split('/').at(-1) ?? '', pointer: inData, code, message: message.join(': ') };
  });
}

/** Applications through the registration block, as the person who applies. */
export function createApplications(
  clients: Clients,
  catalogue: Catalogue,
  consents: ReturnType<typeof createConsents>,
): Applications {
  const { registration } = clients;

  const readDraft = async (serviceId: string): Promise<Draft | undefined> => {
    try {
      const { body } = await registration.readDraft({ params: { serviceId } });
      return { eFormId: body.eFormId, answers: body.data, savedAt: body.savedAt };
    } catch (error) {
      if (missing(error)) return undefined;
      throw error;
    }
  };

  return {
    async form(_viewer, serviceId) {
      const forms = (await registration.listEForms({ params: { serviceId } })).body;
      const latest = forms.find((form) => form.latest);
      if (!latest) throw new Error(`service ${serviceId} has no form`);
      const { body } = await registration.readEForm({ params: { eFormId: latest.eFormId } });
      return { eFormId: latest.eFormId, form: parseEForm(body.schema) };
    },
    draft: (_viewer, serviceId) => readDraft(serviceId),
    async drafts() {
      const services = await catalogue.all();
      const found = await Promise.all(
        services.map(async ({ code }) => ({ serviceId: code, draft: await readDraft(code) })),
      );
      return found.flatMap(({ serviceId, draft }) => (draft ? [{ serviceId, savedAt: draft.savedAt }] : []));
    },
    async saveDraft(_viewer, serviceId, draft) {
      const body = { eFormId: draft.eFormId, data: { ...draft.answers } };
      return (await registration.saveDraft({ params: { serviceId }, body })).body.savedAt;
    },
    async submit(viewer, serviceId, draft, key) {
      const service = await catalogue.byCode(serviceId);
      const consentRecordId = await consents.effectiveRecord(viewer, service);
      try {
        const { body } = await registration.submitApplication({
          params: { serviceId },
          idempotencyKey: key,
          body: {
            applicantId: viewer.id,
            ...(consentRecordId === undefined ? {} : { consentRecordId }),
            formData: { eFormId: draft.eFormId, data: { ...draft.answers } },
          },
        });
        return { kind: 'accepted', applicationId: body.fileId, reference: body.reference };
      } catch (error) {
        const defects = defectsOf(error);
        if (defects) return { kind: 'refused', defects };
        throw error;
      }
    },
    async applications(viewer, { page, size }) {
      const query = { firstResult: (page - 1) * size, maxResult: size + 1, applicantId: viewer.id };
      const [rows, services] = await Promise.all([
        registration.listApplications({ query }).then(({ body }) => body),
        catalogue.all(),
      ]);
      const names = new Map<string, { name: Text; code: string }>(
        services.map((service) => [service.id, { name: serviceName(service), code: service.code }]),
      );
      return {
        hasMore: rows.length > size,
        items: rows.slice(0, size).map((row) => ({
          id: row.fileId,
          reference: row.reference,
          service: names.get(row.serviceId)?.name ?? { en: row.serviceName },
          serviceId: names.get(row.serviceId)?.code ?? row.serviceId,
          status: row.status as ApplicationStatus,
          submittedAt: row.registered,
          updatedAt: row.ended ?? row.registered,
        })),
      };
    },
    async application(_viewer: Viewer, applicationId: string): Promise<ApplicationView> {
      const file = (await registration.readApplication({ params: { fileId: applicationId } })).body;
      const service = await catalogue.byId(file.serviceId);
      const { outcome } = file;
      const facts = outcome?.facts as { amount?: unknown; currency?: unknown } | undefined;
      const benefit =
        outcome?.status === 'APPROVED' &&
        typeof facts?.amount === 'string' &&
        typeof facts.currency === 'string'
          ? { benefit: { amount: facts.amount, currency: facts.currency } }
          : {};
      return {
        id: file.fileId,
        reference: file.reference,
        service: service ? serviceName(service) : { en: file.serviceName },
        serviceId: service?.code ?? file.serviceId,
        status: file.status.code as ApplicationStatus,
        submittedAt: file.registered,
        updatedAt: file.ended ?? file.registered,
        history: toHistory(file.history),
        form: await formOf(clients, file),
        answers: file.applicationData.formData.data,
        requests: toRequests(file),
        offers: file.offers,
        ...(outcome
          ? {
              decision: {
                outcome: outcome.status,
                at: file.ended ?? file.registered,
                reasons: outcome.reasons.map((reason) => reason.text),
                ...benefit,
                ...(outcome.appeal ? { appeal: outcome.appeal } : {}),
              },
            }
          : {}),
      };
    },
    async makeRequest(_viewer, applicationId, { kind, text }, key) {
      try {
        await registration.makeRequest({
          params: { fileId: applicationId },
          idempotencyKey: key,
          body: { kind, text },
        });
        return undefined;
      } catch (error) {
        const refusal = refusalOf(error);
        if (refusal === undefined) throw error;
        return refusal;
      }
    },
  };
}
