import { summarise } from '../forms/summary.ts';
import { pageNumber } from '../site/visit.ts';
import type { PageParts } from './pages.ts';

const size = 20;

/** The person's applications: begun, sent, decided; each with its history. */
export function applicationPages({ site, backend }: PageParts): void {
  site.page('/applications', 'signed-in', async (visit) => {
    const page = pageNumber(visit);
    const [list, drafts, services] = await Promise.all([
      backend.applications(visit.viewer, { page, size }),
      page === 1 ? backend.drafts(visit.viewer) : [],
      backend.services(),
    ]);
    const titleOf = new Map(services.map((service) => [service.id, service.title]));
    return visit.show('account/applications.njk', {
      section: 'applications',
      list: { ...list, page },
      drafts: drafts.map((draft) => ({ ...draft, title: titleOf.get(draft.serviceId) })),
    });
  });

  site.page('/applications/:application', 'signed-in', async (visit) => {
    const application = await backend.application(visit.viewer, visit.params.application as string);
    return visit.show('account/application.njk', {
      section: 'applications',
      application,
      sections:
        application.form && application.answers
          ? summarise(visit.voice, application.form, application.answers)
          : [],
      back: '/applications',
    });
  });
}
