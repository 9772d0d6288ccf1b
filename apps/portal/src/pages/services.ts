import type { PageParts } from './pages.ts';

/** Catalogue, service sheets, and the pages every public site owes its visitors. */
export function servicePages({ site, backend }: PageParts): void {
  site.page('/', async (visit) =>
    visit.show('services/catalogue.njk', { section: 'services', services: await backend.services() }),
  );
  site.page('/services/:service', async (visit) => {
    const service = await backend.service(visit.params.service as string);
    return visit.show('services/sheet.njk', { section: 'services', service, back: '/' });
  });
  site.page('/officials', async (visit) => visit.show('officials.njk', { section: 'officials' }));
  site.page('/help/accessibility', async (visit) => visit.show('help/accessibility.njk'));
  site.page('/help/privacy', async (visit) => visit.show('help/privacy.njk'));
}
