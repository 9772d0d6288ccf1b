import { Problem } from '@govstack/platform';
import { input, type SignedInVisit } from '../site/visit.ts';
import { openDesign } from './design-state.ts';
import { placeAt } from './place.ts';
import { type NamedRight, rightMethods, type Standing, standingOfApplications } from './right-shape.ts';
import { conditionTexts, fieldsText, subjectText } from './right-text.ts';
import { designerRoles } from './roles.ts';
import { frame, type RegistryParts } from './shell.ts';

const access = { roles: designerRoles };

/** The name of a right in an address. */
export function rightIn(visit: SignedInVisit): string {
  const name = visit.params.right as string;
  if (!/^[a-z0-9][a-z0-9-]{0,59}$/.test(name)) throw new Problem(404, 'no such right');
  return name;
}

/** Who may do what with a registry: rights as they are, standing rights, and the end of a right (REG-6.1-6-b). */
export function rightsPages(parts: RegistryParts): void {
  const { site, clients } = parts;

  /** A right in words, for a list. */
  const listed = (visit: SignedInVisit, { name, template, right }: NamedRight) => ({
    name,
    template,
    subject: subjectText(visit.voice, right.subject),
    methods: rightMethods.filter((one) => right.methods.includes(one)),
    fields: fieldsText(visit.voice, right),
    rows: conditionTexts(visit.voice, right.rows),
    until: right.until,
    over: right.until !== undefined && right.until <= parts.now().toISOString(),
  });

  site.page('/registries/:registry/access', access, async (visit) => {
    const design = await openDesign(parts, visit);
    const { place } = design;
    const { body } = await clients.rights(place.owner).listRights({ params: { code: place.code } });
    return visit.show('registries/rights.njk', {
      ...frame(visit, { place, name: design.info.name }, 'access', design.published),
      rights: body.rights.map((one) => listed(visit, one)),
      standing: body.standing,
      standingOfApplications,
    });
  });

  site.action('/registries/:registry/access/standing', access, async (visit) => {
    const { owner, code, base } = placeAt(parts.owners, visit.viewer, visit.params.registry as string);
    const standing: Standing = {
      applications: standingOfApplications.find((one) => one === input(visit, 'applications')) ?? 'none',
      analysts: input(visit, 'analysts') === 'yes',
      registrars: input(visit, 'registrars') === 'yes',
    };
    await clients.rights(owner).putStandingRights({ params: { code }, body: standing });
    visit.leaveNotice('accessGiven');
    return visit.goTo(`${base}/access`);
  });

  site.action('/registries/:registry/access/rights/:right/end', access, async (visit) => {
    const { owner, code, base } = placeAt(parts.owners, visit.viewer, visit.params.registry as string);
    await clients.rights(owner).deleteRight({ params: { code, name: rightIn(visit) } });
    visit.leaveNotice('rightEnded');
    return visit.goTo(`${base}/access`);
  });
}
