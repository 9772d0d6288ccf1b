import { Problem } from '@govstack/platform';
import { input, type SignedInVisit } from '../site/visit.ts';
import { isApplication } from './application-id.ts';
import { openDesign } from './design-state.ts';
import { placeAt } from './place.ts';
import { errorsOf, type PageError, refusedWith } from './refusals.ts';
import { designerRoles } from './roles.ts';
import { fieldsOf, labelOf } from './schema.ts';
import { frame, type RegistryParts } from './shell.ts';

const access = { roles: designerRoles };
const methods = ['list', 'read', 'exists', 'create', 'update', 'delete'] as const;

interface Entered {
  readonly application?: string;
  readonly methods?: readonly string[];
  readonly scope?: string;
  readonly fields?: readonly string[];
}

/** What applications of other agencies may do with a registry and which fields they see: given, listed, taken away (REG-6.1-6-b). */
export function accessPages(parts: RegistryParts): void {
  const { site, clients } = parts;

  async function show(visit: SignedInVisit, entered: Entered = {}, errors: readonly PageError[] = []) {
    const design = await openDesign(parts, visit);
    const { place } = design;
    const { body: given } = await clients.database(place.owner).listAccess({
      params: { code: place.code },
      query: { after: visit.query.after?.slice(0, 500) ?? '' },
    });
    return visit.show(
      'registries/access.njk',
      {
        ...frame(visit, { place, name: design.info.name }, 'access', design.published),
        back: `${place.base}/access`,
        given: given.access.map((one) => ({
          ...one,
          name: parts.names.application(one.application),
          agency: parts.names.member(one.application),
          fields: one.fields?.map((name) => labelOf({ name, property: {} })),
        })),
        more: given.next && `${place.base}/access/applications?${new URLSearchParams({ after: given.next })}`,
        methods,
        fields: fieldsOf(design.info.schema as typeof design.schema).map((field) => ({
          name: field.name,
          label: labelOf(field),
          personal: field.property.personal === true,
        })),
        entered,
        errors,
      },
      errors.length > 0 ? 422 : 200,
    );
  }

  site.page('/registries/:registry/access/applications', access, (visit) => show(visit));

  site.action('/registries/:registry/access/applications', access, async (visit) => {
    const design = await openDesign(parts, visit);
    const { t } = visit.voice;
    const application = input(visit, 'application');
    const ticked = (name: string): string[] => [visit.body[name] ?? []].flat();
    const chosen = methods.filter((one) => ticked('methods').includes(one));
    const scope = input(visit, 'scope');
    const fields = ticked('fields');
    const entered = { application, methods: chosen, scope, fields };
    const errors = [
      ...(isApplication(application)
        ? []
        : [{ text: t('registries.access.applicationWrong'), href: '#application' }]),
      ...(scope === 'some' && fields.length === 0
        ? [{ text: t('registries.access.chooseFields'), href: '#fields' }]
        : []),
    ];
    if (errors.length > 0) return show(visit, entered, errors);
    try {
      await clients.database(design.place.owner).putAccess({
        params: { code: design.place.code },
        body: { application, methods: chosen, ...(scope === 'some' ? { fields } : {}) },
      });
    } catch (error) {
      if (refusedWith(error, 400, 409)) return show(visit, entered, errorsOf(error, '#application'));
      throw error;
    }
    visit.leaveNotice('accessGiven');
    return visit.goTo(`${design.place.base}/access/applications`);
  });

  site.action('/registries/:registry/access/applications/end', access, async (visit) => {
    const { owner, code, base } = placeAt(parts.owners, visit.viewer, visit.params.registry as string);
    const application = input(visit, 'application');
    if (!isApplication(application)) throw new Problem(400, 'no such application');
    await clients.database(owner).putAccess({ params: { code }, body: { application, methods: [] } });
    visit.leaveNotice('rightEnded');
    return visit.goTo(`${base}/access/applications`);
  });
}
