import { formKey, input, type SignedInVisit } from '../site/visit.ts';
import { latest } from './clients.ts';
import { entryOptions } from './design.ts';
import { withUploads } from './documents.ts';
import { formParts, readForm } from './entry-form.ts';
import { withRefusal } from './entry-refusal.ts';
import { inputsFor, readField } from './entry-value.ts';
import { type FieldEntry, inputName } from './field-entry.ts';
import { openRecord } from './open-record.ts';
import { cameFrom, listAddress } from './record-addresses.ts';
import { recordFrame } from './record-frame.ts';
import { type PageError, refusedWith } from './refusals.ts';
import { registryRoles } from './roles.ts';
import { asFormBody } from './row-entry.ts';
import { kindOf, labelOf, type SchemaField, sameValue } from './schema.ts';
import type { OpenRegistry, RegistryParts } from './shell.ts';
import { shownValue } from './shown-value.ts';
import { changedFields } from './unchanged.ts';

const access = { roles: registryRoles };

/** What was entered for a field, as inputs that nobody sees. The parts of a date are entered under their field's name. */
const keptInputs = (field: SchemaField, entry: FieldEntry | undefined) =>
  Object.entries(entry?.inputs ?? {}).flatMap(([part, value]) => {
    const name = kindOf(field.property) === 'date' ? `${inputName(field)}-${part}` : part;
    return [value].flat().map((one) => ({ name, value: one }));
  });

/** Changes to a record, on its form or in its row. */
export function recordEditPages(parts: RegistryParts): void {
  const { site, clients } = parts;

  /** Secrets are never on a form: what is left empty stays as it is. */
  const optionsFor = (visit: SignedInVisit, { fields }: OpenRegistry) => ({
    ...entryOptions(parts, visit, fields),
    kept: new Set(fields.filter(({ property }) => property.secret === true).map(({ id }) => id)),
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
    const options = optionsFor(visit, registry);
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
    const { registry, id, data, params } = await openRecord(parts, visit);
    const { body: record } = await data.getRecord({ params });
    const options = optionsFor(visit, registry);
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
    const { body: now } = await clients
      .data(registry.place.owner)
      .getRecord({ params: { ...latest(registry.place), id } });
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

  function goBack(visit: SignedInVisit, { place }: OpenRegistry, id: string) {
    visit.leaveNotice('recordSaved');
    const from = cameFrom(visit);
    return visit.goTo(from ? listAddress(place.base, from, `#record-${id}`) : `${place.base}/records/${id}`);
  }

  site.action('/registries/:registry/records/:record/edit', access, async (visit) => {
    const { registry, id, data, params } = await openRecord(parts, visit);
    const options = optionsFor(visit, registry);
    const onForm = new Set(input(visit, '_fields').split(' '));
    const offered = changeable(registry).filter((field) => onForm.has(String(field.id)));
    const sent = input(visit, '_row') === 'yes' ? asFormBody(offered, visit.body) : visit.body;
    const { body, refused: notTaken } = await withUploads(parts, visit, registry, offered, sent);
    const rowVersion = input(visit, '_version');
    const { body: now } = await data.getRecord({ params });
    // What was left as it is shown is not written: it may be shown in part, or not be theirs to write.
    const changed = changedFields(offered, now.content, body, options);
    if (changed.length === 0 && notTaken.size === 0) return goBack(visit, registry, id);
    const fields =
      String(now.rowVersion) === rowVersion
        ? offered.filter((field) => changed.includes(field) || notTaken.has(field.id))
        : offered;
    const { entries, errors, content } = readForm(fields, body, options, notTaken);
    const again = (found: ReadonlyMap<number, FieldEntry>, faults: readonly PageError[]) => {
      const left = offered.map((field): [number, FieldEntry] => [
        field.id,
        found.get(field.id) ?? { inputs: readField(field, body, options).inputs },
      ]);
      return showEdit(visit, registry, id, rowVersion, new Map(left), faults);
    };
    if (errors.length > 0) return again(entries, errors);
    const key = formKey(visit);
    try {
      await data.changeRecord({
        params,
        headers: { 'if-match': `"${/^\d{1,9}$/.test(rowVersion) ? rowVersion : '0'}"` },
        body: { write: { content } },
        ...(key === '' ? {} : { idempotencyKey: key }),
      });
    } catch (error) {
      if (refusedWith(error, 412, 404)) return showConflict(visit, registry, id, fields, entries, content);
      if (!refusedWith(error, 400, 409, 422)) throw error;
      const refused = withRefusal(fields, entries, error.problem, options);
      return again(refused.entries, refused.errors);
    }
    return goBack(visit, registry, id);
  });
}
