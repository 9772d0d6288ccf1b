import type { PageParts } from './pages.ts';

/** Where payment runs stood before they had a console; links in messages and bookmarks still lead there. */
export function paymentRunPages({ site }: PageParts): void {
  site.page('/office/payment-runs', 'signed-in', async (visit) => visit.goTo('/treasury/runs'));
  site.page('/office/payment-runs/:run', 'signed-in', async (visit) =>
    visit.goTo(`/treasury/runs/${encodeURIComponent(visit.params.run as string)}`),
  );
}
