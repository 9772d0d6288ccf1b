import { Problem } from '@govstack/platform';
import type { ConsentGiven } from '../backend.ts';
import { formKey, pageNumber, type SignedInVisit } from '../site/visit.ts';
import type { PageParts } from './pages.ts';

const size = 25;

/** Who has used the person's data, and what they have agreed to. */
export function dataPages({ site, backend }: PageParts): void {
  const path = '/my-data/consents/:consent/withdraw';

  async function consentOf(visit: SignedInVisit): Promise<ConsentGiven> {
    const all = await backend.consents(visit.viewer);
    const found = all.find((consent) => consent.id === visit.params.consent);
    if (!found) throw new Problem(404, 'no such consent of this person');
    return found;
  }

  site.page('/my-data', 'signed-in', async (visit) => {
    const page = pageNumber(visit);
    const [list, consents] = await Promise.all([
      backend.dataUses(visit.viewer, { page, size }),
      page === 1 ? backend.consents(visit.viewer) : [],
    ]);
    return visit.show('account/data.njk', { section: 'data', list: { ...list, page }, consents });
  });

  site.page(path, 'signed-in', async (visit) => {
    const consent = await consentOf(visit);
    if (!consent.inForce) return visit.goTo('/my-data');
    return visit.show('account/withdraw.njk', { section: 'data', consent, back: '/my-data' });
  });

  site.action(path, 'signed-in', async (visit) => {
    const consent = await consentOf(visit);
    if (consent.inForce) {
      await backend.withdrawConsent(visit.viewer, consent.id, formKey(visit) || consent.id);
      visit.leaveNotice('withdrawn');
    }
    return visit.goTo('/my-data');
  });
}
