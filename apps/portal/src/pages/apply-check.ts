import { createHash } from 'node:crypto';
import type { SubmissionDefect } from '../backend.ts';
import { defectText } from '../forms/component.ts';
import type { EForm, Field } from '../forms/eform.ts';
import { progressOf } from '../forms/progress.ts';
import { summarise } from '../forms/summary.ts';
import type { Voice } from '../rendering/voice.ts';
import type { SignedInVisit } from '../site/visit.ts';
import { type OpenApplication, openApplication } from './apply.ts';
import type { PageParts } from './pages.ts';

const fieldOf = (form: EForm, id: string): Field | undefined =>
  form.pages.flatMap((page) => page.fields).find((field) => field.id === id);

/** The server's defects beside the rows they are about. */
const serverErrors = (voice: Voice, form: EForm, defects: readonly SubmissionDefect[]) =>
  defects.map((defect) => {
    const field = fieldOf(form, defect.pointer.split('/')[1] ?? defect.fieldId);
    return field
      ? { text: voice.t('errors.checkAgain', { label: voice.text(field.label) }), href: `#row-${field.id}` }
      : { text: voice.t('errors.notAccepted') };
  });

/** Check answers, submit once, confirmation with the reference number. */
export function checkPages(parts: PageParts): void {
  const { site, backend, today } = parts;

  function showCheck(
    visit: SignedInVisit,
    open: OpenApplication,
    errors: readonly { text: string; href?: string }[],
  ): ReturnType<SignedInVisit['show']> {
    const before = progressOf(open.form, open.answers, today()).applicable.pages.at(-1)?.page;
    return visit.show(
      'apply/check.njk',
      {
        section: 'services',
        service: open.service,
        base: open.base,
        sections: summarise(visit.voice, open.form, open.answers),
        errors,
        back: before ? `${open.base}/form/${before.id}` : open.base,
      },
      errors.length > 0 ? 422 : 200,
    );
  }

  const missing = (visit: SignedInVisit, open: OpenApplication) =>
    progressOf(open.form, open.answers, today()).incomplete.flatMap(({ page, defects }) =>
      defects.slice(0, 1).map((defect) => {
        const field = page.fields.find((one) => one.id === defect.fieldId) as Field;
        return {
          text: defect.item
            ? visit.voice.t('errors.itemIncomplete', { label: visit.voice.text(field.label) })
            : defectText(visit.voice, field, defect),
          href: `${open.base}/form/${page.id}?from=check`,
        };
      }),
    );

  site.page('/apply/:service/check', 'signed-in', async (visit) => {
    const open = await openApplication(parts, visit.viewer, visit.params.service as string);
    return showCheck(visit, open, []);
  });

  site.action('/apply/:service/check', 'signed-in', async (visit) => {
    const open = await openApplication(parts, visit.viewer, visit.params.service as string);
    // A second click arrives after the first one has turned the draft into an application.
    if (open.savedAt === undefined) return visit.goTo('/applications');
    const agreement = await backend.agreement(visit.viewer, open.service.id);
    if (agreement && !agreement.given) return visit.goTo(`${open.base}/consent`);
    const { incomplete, applicable } = progressOf(open.form, open.answers, today());
    if (incomplete.length > 0) return showCheck(visit, open, missing(visit, open));
    // The same answers sent twice are one application, whichever page or tab they were sent from.
    const key = createHash('sha256')
      .update([visit.viewer.id, open.service.id, open.eFormId, open.savedAt].join(' '))
      .digest('hex');
    const draft = { eFormId: open.eFormId, answers: applicable.answers };
    const result = await backend.submit(visit.viewer, open.service.id, draft, key);
    if (result.kind === 'refused')
      return showCheck(visit, open, serverErrors(visit.voice, open.form, result.defects));
    return visit.goTo(`/applications/${encodeURIComponent(result.applicationId)}/received`);
  });

  site.page('/applications/:application/received', 'signed-in', async (visit) => {
    const application = await backend.application(visit.viewer, visit.params.application as string);
    return visit.show('apply/received.njk', { section: 'applications', application });
  });
}
