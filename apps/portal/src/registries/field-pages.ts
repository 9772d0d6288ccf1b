import { Problem } from '@govstack/platform';
import { input, type SignedInVisit } from '../site/visit.ts';
import { entryOptions } from './design.ts';
import { type Design, keepDraft, openDesign } from './design-state.ts';
import { fileTypes } from './entry-file.ts';
import { formParts } from './entry-form.ts';
import { readFieldForm } from './field-form.ts';
import {
  enteredField,
  type FieldInputs,
  fieldBounds,
  fieldFlags,
  hasDefault,
  inputsOfField,
} from './field-inputs.ts';
import { errorsOf, type PageError, refusedWith } from './refusals.ts';
import { designerRoles } from './roles.ts';
import { readRule, ruleActions, ruleConditions, rulesIn, withoutRule, withRule } from './rules.ts';
import {
  fieldById,
  fieldsOf,
  isScalar,
  type Kind,
  kindOf,
  kinds,
  labelOf,
  put,
  type Schema,
  type SchemaField,
} from './schema.ts';
import { frame, type RegistryParts } from './shell.ts';

const access = { roles: designerRoles };

/** One field: what it is called and holds, what it leads to, what happens to it. */
export function fieldPages(parts: RegistryParts): void {
  const { site, clients } = parts;

  /** Fields that a link can lead to: those by which one record is found. */
  async function linkTargets(design: Design) {
    const { body } = await clients.database(design.place.owner).listRegistries({});
    return body.databases
      .map(({ code, name, schema, isArchived }) => ({
        name,
        fields: isArchived
          ? []
          : fieldsOf(code === design.place.code ? design.schema : (schema as Schema))
              .filter(({ property }) => property.unique === true || property.primaryKey === true)
              .map((field) => ({ value: `${code}:${field.id}`, text: `${name}: ${labelOf(field)}` })),
      }))
      .filter(({ fields }) => fields.length > 0);
  }

  const kindIn = (chosen: string | undefined, field: SchemaField | undefined): Kind =>
    kinds.find((one) => one === chosen) ?? (field ? kindOf(field.property) : 'text');

  async function show(
    visit: SignedInVisit,
    design: Design,
    field: SchemaField | undefined,
    kind: Kind,
    inputs: FieldInputs,
    errors: readonly PageError[] = [],
    preview?: SchemaField,
  ) {
    const { place, schema } = design;
    const fields = fieldsOf(schema);
    return visit.show(
      'registries/field.njk',
      {
        ...frame(visit, { place, name: design.info.name }, 'design', design.published),
        back: `${place.base}/design`,
        tag: design.tag,
        field: field && { id: field.id, label: labelOf(field) },
        kind,
        kinds,
        inputs,
        flags: fieldFlags(kind),
        bounds: fieldBounds(kind),
        hasDefault: hasDefault(kind),
        targets: isScalar(kind) ? await linkTargets(design) : [],
        fileTypes: Object.entries(fileTypes).map(([value, text]) => ({ value, text })),
        rules: field ? rulesIn(visit.voice, field, fields) : [],
        ruleActions,
        ruleConditions,
        others: fields.map((one) => ({ value: String(one.id), text: labelOf(one) })),
        preview: preview && formParts([preview], new Map(), entryOptions(parts, visit, [preview])),
        errors,
      },
      errors.length > 0 ? 422 : 200,
    );
  }

  const fieldIn = (design: Design, wanted: string): SchemaField | undefined =>
    wanted === 'new' ? undefined : fieldById(design.schema, Number(wanted));

  site.page('/registries/:registry/design/fields/:field', access, async (visit) => {
    const design = await openDesign(parts, visit);
    const field = fieldIn(design, visit.params.field as string);
    const kind = kindIn(visit.query.kind, field);
    return show(visit, design, field, kind, inputsOfField(field, kind), [], field);
  });

  site.action('/registries/:registry/design/fields/:field', access, async (visit) => {
    const design = await openDesign(parts, visit);
    const field = fieldIn(design, visit.params.field as string);
    const kind = kindIn(input(visit, 'kind'), field);
    const inputs = enteredField(visit);
    const sameKind = field !== undefined && kindOf(field.property) === kind;
    const { errors, field: entered } = readFieldForm(
      inputs,
      kind,
      sameKind,
      field,
      design.schema,
      visit.voice,
    );
    const preview = { id: 0, ...entered };
    if (input(visit, '_action') === 'preview' || errors.length > 0)
      return show(visit, design, field, kind, inputs, errors, errors.length > 0 ? undefined : preview);
    try {
      const { body } = await keepDraft(parts, design, input(visit, '_tag'), put(design.schema, entered));
      const made = fieldsOf(body.schema as Schema).find(({ name }) => name === entered.name);
      return visit.goTo(`${design.place.base}/design#field-${made?.id ?? ''}`);
    } catch (error) {
      if (refusedWith(error, 412))
        return show(visit, design, field, kind, inputs, [
          { text: visit.voice.t('registries.design.changed'), href: '#name' },
        ]);
      if (refusedWith(error, 400, 409))
        return show(visit, design, field, kind, inputs, errorsOf(error, '#name'));
      throw error;
    }
  });

  site.action('/registries/:registry/design/fields/:field/rules', access, async (visit) => {
    const design = await openDesign(parts, visit);
    const field = fieldIn(design, visit.params.field as string);
    if (!field) throw new Problem(404, 'no such field');
    const kind = kindOf(field.property);
    const back = (errors: readonly PageError[]) =>
      show(visit, design, field, kind, inputsOfField(field, kind), errors, field);
    const [act, index] = input(visit, '_action').split(':', 2);
    const { errors, trigger } =
      act === 'remove' ? { errors: [], trigger: {} } : readRule(visit, field, fieldsOf(design.schema));
    if (errors.length > 0) return back(errors);
    const property =
      act === 'remove' ? withoutRule(field.property, Number(index)) : withRule(field.property, trigger);
    try {
      await keepDraft(parts, design, input(visit, '_tag'), put(design.schema, { ...field, property }));
    } catch (error) {
      if (refusedWith(error, 412))
        return back([{ text: visit.voice.t('registries.design.changed'), href: '#rules' }]);
      if (refusedWith(error, 400, 409)) return back(errorsOf(error, '#rules'));
      throw error;
    }
    return visit.goTo(`${design.place.base}/design/fields/${field.id}#rules`);
  });
}
