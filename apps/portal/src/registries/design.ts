import { input, type SignedInVisit } from '../site/visit.ts';
import { type Design, keepDraft, openDesign, retiredFields } from './design-state.ts';
import { formParts } from './entry-form.ts';
import { filledFields } from './entry-question.ts';
import type { EntryOptions } from './field-entry.ts';
import { findingsIn } from './findings.ts';
import { placeAt } from './place.ts';
import { errorsOf, type PageError, refusedWith } from './refusals.ts';
import { designerRoles } from './roles.ts';
import {
  fieldById,
  fieldsOf,
  kindOf,
  kinds,
  labelOf,
  linksOf,
  moved,
  put,
  type Schema,
  type SchemaField,
  without,
} from './schema.ts';
import { frame, type RegistryParts } from './shell.ts';

const access = { roles: designerRoles };
const flags = ['primaryKey', 'unique', 'owner', 'personal', 'readOnly', 'filterable', 'searchable'] as const;

/** A field in the list of the designer. */
const shownField = (field: SchemaField) => ({
  id: field.id,
  name: field.name,
  label: labelOf(field),
  kind: kindOf(field.property),
  marks: [...(field.required ? ['required'] : []), ...flags.filter((flag) => field.property[flag] === true)],
  links: linksOf(field.property),
  rules: Array.isArray(field.property.triggers) ? field.property.triggers.length : 0,
});

export const entryOptions = (
  parts: RegistryParts,
  visit: SignedInVisit,
  fields: readonly SchemaField[],
): EntryOptions => ({
  voice: visit.voice,
  timeZone: parts.timeZone,
  today: parts.today(),
  filled: filledFields(fields),
});

/** The workbench: fields in order, the report and the form beside them, publication (REG-6.1-16). */
export function designPages(parts: RegistryParts): void {
  const { site, clients, owners } = parts;

  async function show(visit: SignedInVisit, errors: readonly PageError[] = [], status = 409) {
    const design = await openDesign(parts, visit);
    const fields = fieldsOf(design.schema);
    const findings = findingsIn(visit.voice, design.report);
    return visit.show(
      'registries/design.njk',
      {
        ...frame(visit, { place: design.place, name: design.info.name }, 'design', design.published),
        info: design.info,
        tag: design.tag,
        hasDraft: design.hasDraft,
        published: design.published,
        publishing: design.publishing,
        failure: design.failure,
        fields: fields.map(shownField),
        retired: (await retiredFields(parts, design)).map(shownField),
        kinds,
        findings,
        breaking: findings.filter((one) => one.breaking).length,
        preview: formParts(fields, new Map(), entryOptions(parts, visit, fields)),
        errors,
      },
      errors.length > 0 ? status : 200,
    );
  }

  site.page('/registries/:registry/design', access, (visit) => show(visit));

  /** The draft after one of the buttons beside a field; undefined when nothing changes. */
  async function changed(design: Design, act: string, id: number): Promise<Schema | undefined> {
    switch (act) {
      case 'up':
        return moved(design.schema, id, -1);
      case 'down':
        return moved(design.schema, id, 1);
      case 'retire':
        return without(design.schema, fieldById(design.schema, id).id);
      case 'restore': {
        const field = (await retiredFields(parts, design)).find((one) => one.id === id);
        return field && put(design.schema, field);
      }
      default:
        return undefined;
    }
  }

  site.action('/registries/:registry/design', access, async (visit) => {
    const design = await openDesign(parts, visit);
    const [act = '', id = ''] = input(visit, '_action').split(':', 2);
    if (act === 'discard') {
      await clients.database(design.place.owner).discardDraft({ params: { code: design.place.code } });
      visit.leaveNotice('draftDiscarded');
      return visit.goTo(design.published ? `${design.place.base}/design` : '/registries');
    }
    const schema = await changed(design, act, Number(id));
    if (!schema) return show(visit);
    try {
      await keepDraft(parts, design, input(visit, '_tag'), schema);
    } catch (error) {
      if (refusedWith(error, 412))
        return show(visit, [{ text: visit.voice.t('registries.design.changed'), href: '#fields' }]);
      if (refusedWith(error, 400, 409)) return show(visit, errorsOf(error, '#fields'));
      throw error;
    }
    return visit.goTo(`${design.place.base}/design#${act === 'retire' ? 'fields' : `field-${id}`}`);
  });

  site.action('/registries/:registry/design/publish', access, async (visit) => {
    const place = placeAt(owners, visit.viewer, visit.params.registry as string);
    const accepted = input(visit, 'accept') === 'yes';
    try {
      await clients.database(place.owner).publishDraft({
        params: { code: place.code },
        headers: { 'if-match': input(visit, '_tag') },
        body: { acceptBreaking: accepted },
        timeout: 100_000,
      });
    } catch (error) {
      if (refusedWith(error, 412))
        return show(visit, [{ text: visit.voice.t('registries.design.changed'), href: '#report' }]);
      if (!refusedWith(error, 400, 409)) throw error;
      if (error.problem?.type === 'urn:govstack:registries:incompatible')
        return show(visit, [{ text: visit.voice.t('registries.design.acceptFirst'), href: '#accept' }]);
      return show(visit, errorsOf(error, '#report'));
    }
    visit.leaveNotice('registryPublished');
    return visit.goTo(place.base);
  });
}
