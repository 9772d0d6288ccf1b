import type { Backend, ServiceSheet, Viewer } from '../backend.ts';
import type { Answers, EForm } from '../forms/eform.ts';
import { prefill } from '../forms/prefill.ts';
import { progressOf } from '../forms/progress.ts';
import type { SignedInVisit } from '../site/visit.ts';
import type { PageParts } from './pages.ts';

/** An application being filled in. */
export interface OpenApplication {
  readonly service: ServiceSheet;
  readonly eFormId: string;
  readonly form: EForm;
  readonly answers: Answers;
  /** Absent while nothing has been saved for this service. */
  readonly savedAt?: string;
  /** Address of this application's pages. */
  readonly base: string;
}

/** The person's draft for a service on the current form; a new one when there is none. */
export async function openApplication(
  parts: PageParts,
  viewer: Viewer,
  serviceId: string,
): Promise<OpenApplication> {
  const { backend, today } = parts;
  const service = await backend.service(serviceId);
  const [{ eFormId, form }, draft] = await Promise.all([
    backend.form(viewer, service.id),
    backend.draft(viewer, service.id),
  ]);
  // Answers to an older version of the form are kept as far as they fit: the rest is pruned and checked anyway.
  const answers = draft?.answers ?? prefill(form, viewer.claims, today());
  const saved = draft === undefined ? {} : { savedAt: draft.savedAt };
  return { service, eFormId, form, answers, ...saved, base: `/apply/${encodeURIComponent(service.id)}` };
}

/** Stores changed answers. */
export async function saveAnswers(
  backend: Backend,
  visit: SignedInVisit,
  open: OpenApplication,
  answers: Answers,
): Promise<OpenApplication> {
  const draft = { eFormId: open.eFormId, answers };
  const savedAt = await backend.saveDraft(visit.viewer, open.service.id, draft);
  return { ...open, answers, savedAt };
}

/** Entry to an application: to the consent if it is still to be given, else to where the person left off. */
export function applyPages(parts: PageParts): void {
  const { site, backend, today } = parts;
  site.page('/apply/:service', 'signed-in', async (visit) => {
    const service = await backend.service(visit.params.service as string);
    const agreement = await backend.agreement(visit.viewer, service.id);
    const base = `/apply/${encodeURIComponent(service.id)}`;
    return visit.goTo(agreement && !agreement.given ? `${base}/consent` : `${base}/form`);
  });
  site.page('/apply/:service/form', 'signed-in', async (visit) => {
    const { form, answers, base } = await openApplication(
      parts,
      visit.viewer,
      visit.params.service as string,
    );
    const next = progressOf(form, answers, today()).incomplete[0]?.page;
    return visit.goTo(next ? `${base}/form/${next.id}` : `${base}/check`);
  });
}
