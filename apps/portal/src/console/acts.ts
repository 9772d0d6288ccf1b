import type { ConsoleParts } from './catalogue.ts';
import { consoleRoles } from './roles.ts';

/** Who changed what, or tried to (IM-6.6-e). */
export function actPages({ site, clients, names }: ConsoleParts): void {
  site.page('/exchange/acts', { roles: consoleRoles }, async (visit) => {
    const { token } = visit.query;
    const { items, nextPageToken } = (
      await clients.log.listAdministrativeActs({
        query: { pageSize: 50, ...(token === undefined ? {} : { pageToken: token }) },
      })
    ).body;
    return visit.show('exchange/acts.njk', {
      section: 'exchange',
      back: '/exchange',
      acts: items.map((act) => ({
        ...act,
        party: names.party(act.application),
        agencyName: names.member(act.agency),
        subjects: Object.values(act.subject),
      })),
      next: nextPageToken && `/exchange/acts?token=${encodeURIComponent(nextPageToken)}`,
    });
  });
}
