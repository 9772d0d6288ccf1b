import { pageNumber } from '../site/visit.ts';
import type { PageParts } from './pages.ts';

const size = 24;

/** Payments to the person. */
export function paymentPages({ site, backend }: PageParts): void {
  site.page('/payments', 'signed-in', async (visit) => {
    const page = pageNumber(visit);
    const list = await backend.payments(visit.viewer, { page, size });
    return visit.show('account/payments.njk', { section: 'payments', list: { ...list, page } });
  });
}
