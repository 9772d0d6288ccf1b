import { input, type SignedInVisit } from '../site/visit.ts';
import { isApplication } from './application-id.ts';
import { openDesign } from './design-state.ts';
import { errorsOf, type PageError, refusedWith } from './refusals.ts';
import { designerRoles } from './roles.ts';
import { labelOf } from './schema.ts';
import { frame, type RegistryParts } from './shell.ts';

const access = { roles: designerRoles };

/** What somebody may do with a registry, and why (REG-6.1-6-b). Who is asked about stands in no address. */
export function explanationPages(parts: RegistryParts): void {
  const { site, clients } = parts;

  const entered = (visit: SignedInVisit) => ({
    who: input(visit, 'who') || 'person',
    application: input(visit, 'application'),
    person: input(visit, 'person'),
    roles: input(visit, 'roles'),
    agency: input(visit, 'agency'),
    purpose: input(visit, 'purpose'),
  });

  /** What the registries are asked; undefined when it is not said of whom. */
  function question(
    visit: SignedInVisit,
    { who, application, person, roles, agency, purpose }: ReturnType<typeof entered>,
  ) {
    const reason = purpose === '' ? {} : { purpose };
    if (who === 'application') return isApplication(application) ? { application, ...reason } : undefined;
    const list = roles.split(/[\s,،]+/).filter((one) => one !== '');
    if (person === '' && list.length === 0) return undefined;
    const from = agency === '' ? visit.viewer.agency : agency;
    return {
      person: {
        id: person === '' ? 'somebody' : person,
        roles: list,
        ...(from === undefined ? {} : { agency: from }),
      },
      ...reason,
    };
  }

  async function show(visit: SignedInVisit, asks: boolean) {
    const design = await openDesign(parts, visit);
    const { place, info, published } = design;
    const inputs = entered(visit);
    const body = asks ? question(visit, inputs) : undefined;
    const errors: PageError[] = [];
    if (asks && !body)
      errors.push({
        text: visit.voice.t(
          inputs.who === 'application'
            ? 'registries.access.applicationWrong'
            : 'registries.explain.whoMissing',
        ),
        href: `#${inputs.who}`,
      });
    let explained:
      | Awaited<ReturnType<ReturnType<typeof clients.rights>['explainRights']>>['body']
      | undefined;
    if (body)
      try {
        explained = (await clients.rights(place.owner).explainRights({ params: { code: place.code }, body }))
          .body;
      } catch (error) {
        if (!refusedWith(error, 400)) throw error;
        errors.push(...errorsOf(error, `#${inputs.who}`));
      }
    return visit.show(
      'registries/explain.njk',
      {
        ...frame(visit, { place, name: info.name }, 'access', published),
        back: `${place.base}/access`,
        entered: inputs,
        held: explained?.held,
        unfit: explained?.unfit,
        methods: explained?.methods.map((one) => ({
          ...one,
          fields: one.fields.map((field) => ({
            ...field,
            label: labelOf({ name: field.name, property: {} }),
          })),
        })),
        errors,
      },
      errors.length > 0 ? 422 : 200,
    );
  }

  site.page('/registries/:registry/access/explain', access, (visit) => show(visit, false));
  site.action('/registries/:registry/access/explain', access, (visit) => show(visit, true));
}
