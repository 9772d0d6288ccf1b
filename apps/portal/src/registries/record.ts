import { formKey, type SignedInVisit } from '../site/visit.ts';
import { latest } from './clients.ts';
import { entryOptions } from './design.ts';
import { withDocuments, withUploads } from './documents.ts';
import { formParts, readForm } from './entry-form.ts';
import { withRefusal } from './entry-refusal.ts';
import type { FieldEntry } from './field-entry.ts';
import { openRecord } from './open-record.ts';
import { recordFrame } from './record-frame.ts';
import { type PageError, refusedWith } from './refusals.ts';
import { registryRoles } from './roles.ts';
import { labelOf, linksOf } from './schema.ts';
import { frame, type OpenRegistry, openRegistry, type RegistryParts } from './shell.ts';
import { shownValue } from './shown-value.ts';

const access = { roles: registryRoles };

/** A record: what it says, and a new one. */
export function recordPages(parts: RegistryParts): void {
  const { site, clients } = parts;

  function showNew(
    visit: SignedInVisit,
    registry: OpenRegistry,
    entries: ReadonlyMap<number, FieldEntry> = new Map(),
    errors: readonly PageError[] = [],
  ) {
    const options = entryOptions(parts, visit, registry.fields);
    return visit.show(
      'registries/entry.njk',
      {
        ...frame(visit, registry, 'records'),
        back: `${registry.place.base}/records`,
        action: `${registry.place.base}/records/new`,
        heading: visit.voice.t('registries.entry.new'),
        parts: formParts(registry.fields, entries, options),
        errors,
      },
      errors.length > 0 ? 422 : 200,
    );
  }

  site.page('/registries/:registry/records/new', access, async (visit) =>
    showNew(visit, await openRegistry(parts, visit)),
  );

  site.action('/registries/:registry/records/new', access, async (visit) => {
    const registry = await openRegistry(parts, visit);
    const options = entryOptions(parts, visit, registry.fields);
    const { body: form, refused } = await withUploads(parts, visit, registry, registry.fields, visit.body);
    const { entries, errors, content } = readForm(registry.fields, form, options, refused);
    if (errors.length > 0) return showNew(visit, registry, entries, errors);
    const given = Object.fromEntries(Object.entries(content).filter(([, value]) => value !== null));
    const key = formKey(visit);
    try {
      const { body } = await clients.data(registry.place.owner).createRecord({
        params: latest(registry.place),
        body: { write: { content: given } },
        ...(key === '' ? {} : { idempotencyKey: key }),
      });
      visit.leaveNotice('recordMade');
      return visit.goTo(`${registry.place.base}/records/${body.uuid}`);
    } catch (error) {
      if (!refusedWith(error, 400, 409, 422)) throw error;
      const refused = withRefusal(registry.fields, entries, error.problem, options);
      return showNew(visit, registry, refused.entries, refused.errors);
    }
  });

  site.page('/registries/:registry/records/:record', access, async (visit) => {
    const { registry, id, address, data, params } = await openRecord(parts, visit);
    const { body: record } = await data.getRecord({ params });
    /** The secret that the person wants to see. */
    const asked = Number(visit.query.show);
    return visit.show('registries/record.njk', {
      ...(await recordFrame(parts, visit, registry, id, 'data')),
      archived: registry.archived,
      number: record.number,
      state: record.state,
      createdAt: record.createdAt,
      modifiedAt: record.modifiedAt,
      rows: registry.fields.map((field) => ({
        ...withDocuments(
          shownValue(visit.voice, field, record.content[field.name], asked === field.id ? 'shown' : 'hidden'),
          address,
        ),
        id: field.id,
        asked: asked === field.id,
        label: labelOf(field),
        personal: field.property.personal === true,
        follow:
          linksOf(field.property).length > 0 && record.content[field.name] !== undefined
            ? JSON.stringify([field.id, record.content[field.name]])
            : undefined,
      })),
    });
  });
}
