import { formKey, input, type SignedInVisit } from '../site/visit.ts';
import { latest } from './clients.ts';
import { entryOptions } from './design.ts';
import { type FieldEntry, formParts, inputName, inputsFor, readForm, withRefusal } from './entry-form.ts';
import { cameFrom, listAddress, recordIn } from './record-addresses.ts';
import { recordFrame } from './record-frame.ts';
import { type PageError, refusedWith } from './refusals.ts';
import { registryRoles } from './roles.ts';
import { asFormBody } from './row-entry.ts';
import { kindOf, labelOf, linksOf, type SchemaField, sameValue } from './schema.ts';
import { frame, type OpenRegistry, openRegistry, type RegistryParts } from './shell.ts';
import { shownValue } from './shown-value.ts';

const access = { roles: registryRoles };

/** What was entered for a field, as inputs that nobody sees. The parts of a date are entered under their field's name. */
const keptInputs = (field: SchemaField, entry: FieldEntry | undefined) =>
  Object.entries(entry?.inputs ?? {}).flatMap(([part, value]) => {
    const name = kindOf(field.property) === 'date' ? `${inputName(field)}-${part}` : part;
    return [value].flat().map((one) => ({ name, value: one }));
  });

/** A record: what it says, a new one, changes to it. */
export function recordPages(parts: RegistryParts): void {
  const { site, clients } = parts;

  const read = (registry: OpenRegistry, id: string) =>
    clients.data(registry.place.owner).getRecord({ params: { ...latest(registry.place), id } });

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
    const { entries, errors, content } = readForm(registry.fields, visit.body, options);
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
    const registry = await openRegistry(parts, visit);
    const id = recordIn(visit);
    const { body: record } = await read(registry, id);
    return visit.show('registries/record.njk', {
      ...(await recordFrame(parts, visit, registry, id, 'data')),
      archived: registry.archived,
      number: record.number,
      state: record.state,
      createdAt: record.createdAt,
      modifiedAt: record.modifiedAt,
      rows: registry.fields.map((field) => ({
        ...shownValue(visit.voice, field, record.content[field.name]),
        label: labelOf(field),
        personal: field.property.personal === true,
        follow:
          linksOf(field.property).length > 0 && record.content[field.name] !== undefined
            ? JSON.stringify([field.id, record.content[field.name]])
            : undefined,
      })),
    });
  });

  const changeable = ({ fields }: OpenRegistry): SchemaField[] =>
    fields.filter(({ property }) => property.readOnly !== true);

  async function showEdit(
    visit: SignedInVisit,
    registry: OpenRegistry,
    id: string,
    rowVersion: number | string,
    entries: ReadonlyMap<number, FieldEntry>,
    errors: readonly PageError[] = [],
  ) {
    const options = entryOptions(parts, visit, registry.fields);
    const fields = changeable(registry).filter((field) => entries.has(field.id));
    const from = cameFrom(visit);
    return visit.show(
      'registries/entry.njk',
      {
        ...(await recordFrame(parts, visit, registry, id, 'data')),
        back: from ? listAddress(registry.place.base, from) : `${registry.place.base}/records/${id}`,
        action: `${registry.place.base}/records/${id}/edit`,
        heading: visit.voice.t('registries.entry.edit'),
        rowVersion,
        from,
        shownFields: fields.map((field) => field.id).join(' '),
        parts: formParts(fields, entries, options),
        errors,
      },
      errors.length > 0 ? 422 : 200,
    );
  }

  site.page('/registries/:registry/records/:record/edit', access, async (visit) => {
    const registry = await openRegistry(parts, visit);
    const id = recordIn(visit);
    const { body: record } = await read(registry, id);
    const options = entryOptions(parts, visit, registry.fields);
    const entries = new Map(
      changeable(registry).map((field): [number, FieldEntry] => [
        field.id,
        { inputs: inputsFor(field, record.content[field.name], options) },
      ]),
    );
    return showEdit(visit, registry, id, record.rowVersion, entries);
  });

  /** What somebody else has written meanwhile, beside what was entered (optimistic locking). */
  async function showConflict(
    visit: SignedInVisit,
    registry: OpenRegistry,
    id: string,
    fields: readonly SchemaField[],
    entries: ReadonlyMap<number, FieldEntry>,
    content: Readonly<Record<string, unknown>>,
  ) {
    const { body: now } = await read(registry, id);
    const from = cameFrom(visit);
    const rows = fields.map((field) => {
      const [theirs, mine] = [now.content[field.name] ?? null, content[field.name] ?? null];
      return {
        label: labelOf(field),
        theirs: shownValue(visit.voice, field, theirs),
        mine: shownValue(visit.voice, field, mine),
        differs: !sameValue(theirs, mine),
      };
    });
    return visit.show(
      'registries/conflict.njk',
      {
        ...(await recordFrame(parts, visit, registry, id, 'data')),
        action: `${registry.place.base}/records/${id}/edit`,
        rowVersion: now.rowVersion,
        gone: now.state !== 'active',
        from,
        shownFields: fields.map((field) => field.id).join(' '),
        kept: fields.flatMap((field) => keptInputs(field, entries.get(field.id))),
        rows,
      },
      409,
    );
  }

  site.action('/registries/:registry/records/:record/edit', access, async (visit) => {
    const registry = await openRegistry(parts, visit);
    const id = recordIn(visit);
    const options = entryOptions(parts, visit, registry.fields);
    const onForm = new Set(input(visit, '_fields').split(' '));
    const fields = changeable(registry).filter((field) => onForm.has(String(field.id)));
    const body = input(visit, '_row') === 'yes' ? asFormBody(fields, visit.body) : visit.body;
    const { entries, errors, content } = readForm(fields, body, options);
    const rowVersion = input(visit, '_version');
    if (errors.length > 0) return showEdit(visit, registry, id, rowVersion, entries, errors);
    const key = formKey(visit);
    try {
      await clients.data(registry.place.owner).changeRecord({
        params: { ...latest(registry.place), id },
        headers: { 'if-match': `"${/^\d{1,9}$/.test(rowVersion) ? rowVersion : '0'}"` },
        body: { write: { content } },
        ...(key === '' ? {} : { idempotencyKey: key }),
      });
    } catch (error) {
      if (refusedWith(error, 412, 404)) return showConflict(visit, registry, id, fields, entries, content);
      if (!refusedWith(error, 400, 409, 422)) throw error;
      const refused = withRefusal(fields, entries, error.problem, options);
      return showEdit(visit, registry, id, rowVersion, refused.entries, refused.errors);
    }
    visit.leaveNotice('recordSaved');
    const from = cameFrom(visit);
    return visit.goTo(
      from ? listAddress(registry.place.base, from, `#record-${id}`) : `${registry.place.base}/records/${id}`,
    );
  });
}
