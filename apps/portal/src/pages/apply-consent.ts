import { formKey, input } from '../site/visit.ts';
import type { PageParts } from './pages.ts';

/** The data agreement: what is asked for, from whom, why, and a free choice. */
export function consentPages({ site, backend }: PageParts): void {
  site.page('/apply/:service/consent', 'signed-in', async (visit) => {
    const service = await backend.service(visit.params.service as string);
    const agreement = await backend.agreement(visit.viewer, service.id);
    if (!agreement || agreement.given) return visit.goTo(`/apply/${encodeURIComponent(service.id)}/form`);
    return visit.show('apply/consent.njk', { section: 'services', service, agreement });
  });

  site.action('/apply/:service/consent', 'signed-in', async (visit) => {
    const service = await backend.service(visit.params.service as string);
    const agreement = await backend.agreement(visit.viewer, service.id);
    const base = `/apply/${encodeURIComponent(service.id)}`;
    if (!agreement || agreement.given) return visit.goTo(`${base}/form`);
    const choice = input(visit, 'choice');
    // The person agrees to the text they have read, not to a newer one.
    const sameText = input(visit, 'revision') === agreement.revisionId;
    if (choice === 'no') return visit.show('apply/declined.njk', { section: 'services', service });
    if (choice !== 'yes' || !sameText) {
      const problem = visit.voice.t(choice === 'yes' ? 'apply.consent.changed' : 'apply.consent.choose');
      return visit.show(
        'apply/consent.njk',
        {
          section: 'services',
          service,
          agreement,
          errors: [{ text: problem, href: '#choice' }],
          problem,
        },
        422,
      );
    }
    await backend.giveConsent(visit.viewer, agreement, formKey(visit) || agreement.revisionId);
    return visit.goTo(`${base}/form`);
  });
}
