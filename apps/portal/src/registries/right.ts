import { type CallFailed, Problem } from '@govstack/platform';
import { input, type SignedInVisit } from '../site/visit.ts';
import { type Design, openDesign } from './design-state.ts';
import { readRight } from './read-right.ts';
import { errorsOf, type PageError, refusedWith } from './refusals.ts';
import { conditionLines, enteredRight, inputsOfRight, newRight, type RightInputs } from './right-inputs.ts';
import {
  comparedWith,
  comparisonOperators,
  type NamedRight,
  rightMethods,
  shownAs,
  subjectKinds,
} from './right-shape.ts';
import { rightIn } from './rights.ts';
import { designerRoles } from './roles.ts';
import { fieldsOf, labelOf, type Schema } from './schema.ts';
import { frame, type RegistryParts } from './shell.ts';

const access = { roles: designerRoles };
const partsOfForm = ['subject', 'methods', 'fields', 'rows', 'needs', 'until', 'note'];

/** What the registries found wrong with a right, at the part of the form that it is about. */
function refusalsOf(error: CallFailed): PageError[] {
  const details = error.problem?.errors ?? [];
  if (details.length === 0) return errorsOf(error, '#kind');
  return details.map(({ pointer, detail }) => {
    const part = partsOfForm.find((one) => one === pointer.split('/')[1]);
    return { text: detail, href: part === undefined || part === 'subject' ? '#kind' : `#${part}` };
  });
}

/** A right on a registry: given, changed (REG-6.1-6-b). Rights that come with a template are changed there. */
export function rightPages(registries: RegistryParts): void {
  const { site, clients, timeZone } = registries;
  const fieldsIn = ({ info }: Design) => fieldsOf(info.schema as Schema);

  async function known(design: Design, name: string): Promise<NamedRight | undefined> {
    const { owner, code } = design.place;
    const { rights } = (await clients.rights(owner).listRights({ params: { code } })).body;
    return rights.find((one) => one.name === name && one.template === null);
  }

  async function existing(design: Design, name: string): Promise<NamedRight> {
    const found = await known(design, name);
    if (!found) throw new Problem(404, 'no such right');
    return found;
  }

  function show(
    visit: SignedInVisit,
    design: Design,
    name: string | undefined,
    {
      entered,
      before,
      errors = [],
    }: {
      readonly entered: Partial<RightInputs> & { readonly name?: string };
      readonly before?: NamedRight | undefined;
      readonly errors?: readonly PageError[];
    },
  ) {
    const { place, info, published } = design;
    const fields = fieldsIn(design);
    const owned = fields.some(({ property }) => property.owner === true);
    return visit.show(
      'registries/right.njk',
      {
        ...frame(visit, { place, name: info.name }, 'access', published),
        back: `${place.base}/access`,
        address: `${place.base}/access/rights/${name ?? 'new'}`,
        name,
        entered,
        kinds: subjectKinds.filter((one) => one !== 'record-owner' || owned),
        methods: rightMethods,
        shownAs,
        operators: comparisonOperators,
        comparedWith,
        lines: Array.from({ length: conditionLines }, (_, index) => entered.lines?.[index]),
        fields: fields.map((field) => ({
          id: field.id,
          name: field.name,
          label: labelOf(field),
          personal: field.property.personal === true,
          conditional: before?.right.fields?.some((rule) => rule.field === field.name && rule.when) ?? false,
        })),
        errors,
      },
      errors.length > 0 ? 422 : 200,
    );
  }

  async function keep(visit: SignedInVisit, name: string | undefined) {
    const design = await openDesign(registries, visit);
    const before = name === undefined ? undefined : await existing(design, name);
    const fields = fieldsIn(design);
    const entered = { ...enteredRight(visit, fields), name: input(visit, 'name') };
    const { right, errors } = readRight(visit, entered, fields, timeZone, before?.right);
    const found = [...errors];
    const wanted = name ?? entered.name;
    if (!/^[a-z0-9][a-z0-9-]{0,59}$/.test(wanted) || wanted === 'new')
      found.unshift({ text: visit.voice.t('registries.rights.nameWrong'), href: '#name' });
    else if (name === undefined && (await known(design, wanted)))
      found.unshift({ text: visit.voice.t('registries.rights.nameTaken'), href: '#name' });
    if (found.length > 0 || !right) return show(visit, design, name, { entered, before, errors: found });
    const { owner, code, base } = design.place;
    try {
      await clients.rights(owner).putRight({ params: { code, name: wanted }, body: right });
    } catch (error) {
      if (!refusedWith(error, 400, 409)) throw error;
      return show(visit, design, name, { entered, before, errors: refusalsOf(error) });
    }
    visit.leaveNotice('accessGiven');
    return visit.goTo(`${base}/access`);
  }

  site.page('/registries/:registry/access/rights/new', access, async (visit) =>
    show(visit, await openDesign(registries, visit), undefined, { entered: newRight }),
  );
  site.action('/registries/:registry/access/rights/new', access, (visit) => keep(visit, undefined));

  site.page('/registries/:registry/access/rights/:right', access, async (visit) => {
    const design = await openDesign(registries, visit);
    const before = await existing(design, rightIn(visit));
    const entered = inputsOfRight(before.right, fieldsIn(design), timeZone, visit.voice);
    return show(visit, design, before.name, { entered, before });
  });
  site.action('/registries/:registry/access/rights/:right', access, (visit) => keep(visit, rightIn(visit)));
}
