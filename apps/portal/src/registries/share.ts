import { Problem } from '@govstack/platform';
import { isUuid } from '../site/ids.ts';
import { input, type SignedInVisit } from '../site/visit.ts';
import { recordIn } from './record-addresses.ts';
import { recordFrame } from './record-frame.ts';
import { errorsOf, type PageError, refusedWith } from './refusals.ts';
import { designerRoles, registryRoles } from './roles.ts';
import { labelOf } from './schema.ts';
import { isDesigner, type OpenRegistry, openRegistry, type RegistryParts } from './shell.ts';

const access = { roles: registryRoles };
const usualDays = '7';

interface Made {
  readonly url: string | null;
  readonly token: string;
  readonly qr: string;
  readonly expiresAt: string;
}

interface Entered {
  readonly fields?: readonly string[];
  readonly days: string;
  readonly download: boolean;
}

/** A record shared by link: for how long, which fields; the links there are, and their end (REG-6.1-27-a,b,c). */
export function sharePages(parts: RegistryParts): void {
  const { site, clients } = parts;

  async function show(
    visit: SignedInVisit,
    registry: OpenRegistry,
    {
      made,
      entered = { days: usualDays, download: false },
      errors = [],
    }: { made?: Made; entered?: Entered; errors?: readonly PageError[] } = {},
  ) {
    const id = recordIn(visit);
    const { owner, code } = registry.place;
    const sharing = clients.sharing(owner);
    const [allowed, links] = await Promise.all([
      sharing.getSharing({ params: { code } }),
      sharing.listShares({ query: { registry: code } }),
    ]);
    const now = parts.now().toISOString();
    return visit.show(
      'registries/share.njk',
      {
        ...(await recordFrame(parts, visit, registry, id, 'share')),
        allowed: allowed.body.allowed,
        designer: isDesigner(visit),
        // Drawn by the registries; whatever else there were in it, the page's policy would not run.
        made: made && {
          ...made,
          qr: /^<svg [^<>]*>(<path [^<>]*>(<\/path>)?)+<\/svg>\s*$/.test(made.qr) ? made.qr : undefined,
        },
        entered,
        fields: registry.fields
          .filter(({ property }) => property.secret !== true)
          .map((field) => ({
            id: field.id,
            name: field.name,
            label: labelOf(field),
            personal: field.property.personal === true,
            chosen: entered.fields?.includes(field.name) ?? field.property.personal !== true,
          })),
        links: links.body.shares
          .filter(({ record }) => record === id)
          .map((one) => ({
            ...one,
            fields: one.fields.map((name) => labelOf({ name, property: {} })),
            state: one.revokedAt !== null ? 'revoked' : one.expiresAt <= now ? 'over' : 'open',
          })),
        errors,
      },
      errors.length > 0 ? 422 : 200,
    );
  }

  const path = '/registries/:registry/records/:record/share';
  site.page(path, access, async (visit) => show(visit, await openRegistry(parts, visit)));

  site.action(path, access, async (visit) => {
    const registry = await openRegistry(parts, visit);
    const record = recordIn(visit);
    const { t } = visit.voice;
    const entered: Entered = {
      fields: [visit.body.fields ?? []].flat(),
      days: input(visit, 'days'),
      download: input(visit, 'download') === 'yes',
    };
    const errors: PageError[] = [];
    if (!/^[1-9]\d?$/.test(entered.days))
      errors.push({ text: t('registries.share.daysWrong'), href: '#days' });
    const fields = registry.fields.map(({ name }) => name).filter((name) => entered.fields?.includes(name));
    if (fields.length === 0) errors.push({ text: t('registries.share.chooseFields'), href: '#fields' });
    if (errors.length > 0) return show(visit, registry, { entered, errors });
    const expiresAt = new Date(parts.now().getTime() + Number(entered.days) * 86_400_000).toISOString();
    const { download } = entered;
    try {
      const { body: made } = await clients.sharing(registry.place.owner).createShare({
        body: { registry: registry.place.code, record, fields, expiresAt, download },
      });
      return show(visit, registry, { made });
    } catch (error) {
      if (!refusedWith(error, 400, 403, 404)) throw error;
      return show(visit, registry, { entered, errors: errorsOf(error, '#fields') });
    }
  });

  site.action(`${path}/end`, access, async (visit) => {
    const registry = await openRegistry(parts, visit);
    const id = input(visit, 'link');
    if (!isUuid(id)) throw new Problem(404, 'no such link');
    await clients.sharing(registry.place.owner).revokeShare({ params: { id } });
    visit.leaveNotice('registrySaved');
    return visit.goTo(`${registry.place.base}/records/${recordIn(visit)}/share`);
  });

  /** Whether records of the registry are shared at all; switched off, no link opens. */
  site.action(`${path}/switch`, { roles: designerRoles }, async (visit) => {
    const registry = await openRegistry(parts, visit);
    const { owner, code, base } = registry.place;
    const allowed = input(visit, 'allowed') === 'yes';
    await clients.sharing(owner).putSharing({ params: { code }, body: { allowed } });
    visit.leaveNotice('registrySaved');
    return visit.goTo(`${base}/records/${recordIn(visit)}/share`);
  });
}
