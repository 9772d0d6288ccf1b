import { input, type SignedInVisit } from '../site/visit.ts';
import { openRecord } from './open-record.ts';
import { recordFrame } from './record-frame.ts';
import { errorsOf, type PageError, refusedWith } from './refusals.ts';
import { registryRoles } from './roles.ts';
import type { RegistryParts } from './shell.ts';

const access = { roles: registryRoles };
export const endings = ['archive', 'delete', 'erase'] as const;

/** The ways in which a record ends: out of use, deleted, or its personal data erased on a legal ground (REG-6.1-22-b). */
export function removalPages(parts: RegistryParts): void {
  const { site } = parts;

  async function show(
    visit: SignedInVisit,
    entered: { readonly ending?: string; readonly ground?: string } = {},
    errors: readonly PageError[] = [],
  ) {
    const { registry, id, address } = await openRecord(parts, visit);
    return visit.show(
      'registries/remove.njk',
      {
        ...(await recordFrame(parts, visit, registry, id, 'data')),
        back: address,
        endings: endings.filter(
          (one) => one !== 'erase' || registry.fields.some(({ property }) => property.personal === true),
        ),
        entered,
        errors,
      },
      errors.length > 0 ? 422 : 200,
    );
  }

  site.page('/registries/:registry/records/:record/remove', access, (visit) => show(visit));

  site.action('/registries/:registry/records/:record/remove', access, async (visit) => {
    const { address, data, params } = await openRecord(parts, visit);
    const ending = endings.find((one) => one === input(visit, 'ending'));
    const ground = input(visit, 'ground').slice(0, 500);
    const entered = { ...(ending ? { ending } : {}), ground };
    const { t } = visit.voice;
    if (!ending) return show(visit, entered, [{ text: t('registries.remove.choose'), href: '#ending' }]);
    if (ending === 'erase' && ground.length < 3)
      return show(visit, entered, [{ text: t('registries.remove.groundMissing'), href: '#ground' }]);
    try {
      if (ending === 'archive') await data.archiveRecord({ params });
      if (ending === 'delete') await data.deleteRecord({ params });
      if (ending === 'erase') await data.eraseRecord({ params, body: { legalGround: ground } });
    } catch (error) {
      if (!refusedWith(error, 400, 403, 409)) throw error;
      return show(visit, entered, errorsOf(error, '#ending'));
    }
    visit.leaveNotice({ archive: 'recordArchived', delete: 'recordDeleted', erase: 'recordErased' }[ending]);
    return visit.goTo(address);
  });
}
