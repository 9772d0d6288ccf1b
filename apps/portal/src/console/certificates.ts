import type { ConsoleParts } from './catalogue.ts';
import { everyPage } from './clients.ts';

const dayMs = 86_400_000;
/** A certificate that ends within so many days is to be renewed. */
const renewalDays = 30;

/** Keys of members and of this server, with their certificates and when those end. */
export function certificatePages({ site, clients, names, now }: ConsoleParts): void {
  site.page('/exchange/certificates', { roles: ['administrator'] }, async (visit) => {
    const keys = await everyPage(async (pageToken) => {
      const query = { pageSize: 500, ...(pageToken === undefined ? {} : { pageToken }) };
      return (await clients.keys.listKeys({ query })).body;
    });
    const listed = keys
      .filter(({ retiredAt }) => retiredAt === null)
      .map((key) => {
        const days =
          key.notAfter === null ? null : Math.floor((Date.parse(key.notAfter) - now().getTime()) / dayMs);
        return {
          ...key,
          owner: names.member(key.owner.split('/').slice(0, 3).join('/')),
          identifier: key.owner,
          days,
          soon: days !== null && days < renewalDays,
        };
      })
      .sort((one, other) => (one.days ?? -1) - (other.days ?? -1));
    return visit.show('exchange/certificates.njk', { section: 'exchange', back: '/exchange', keys: listed });
  });
}
