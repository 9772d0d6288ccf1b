import { programmePages } from './programme-settings.ts';
import { programmeNames } from './programmes.ts';
import { railPages } from './rail-settings.ts';
import { access, frame, type TreasuryParts } from './shell.ts';
import { sourcePages } from './source-settings.ts';

/** Who may pay, from which money, through whom: registered by the treasury (PAY-6.6-c, PAY-6.6-g). */
export function settingPages(parts: TreasuryParts): void {
  const { admin } = parts.clients;

  parts.site.page('/treasury/settings', access, async (visit) => {
    const [sources, rails, nameOf] = await Promise.all([
      admin.listSources({}),
      admin.listRails({}),
      programmeNames(parts),
    ]);
    const programmes = await Promise.all(
      sources.body.items.map(
        async ({ sourceId }) => (await admin.listProgrammes({ params: { sourceId } })).body.items,
      ),
    );
    return visit.show('treasury/settings.njk', {
      ...frame(parts, visit, 'settings'),
      sources: sources.body.items.map((one) => ({
        ...one,
        agency: parts.names.member(one.application),
        limit:
          one.autoApproveLimit === undefined
            ? undefined
            : { amount: one.autoApproveLimit, currency: one.autoApproveCurrency },
      })),
      programmes: programmes.flat().map((one) => ({
        ...one,
        title: nameOf(one.programmeId, one.name),
        agencyName: parts.names.member(one.agency),
        money: { amount: one.available, currency: one.currency },
        href: `/treasury/settings/programmes/${one.sourceId}/${one.programmeId}`,
      })),
      rails: rails.body.items,
    });
  });

  for (const register of [sourcePages, programmePages, railPages]) register(parts);
}
