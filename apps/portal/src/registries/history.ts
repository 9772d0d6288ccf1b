import { input, type SignedInVisit } from '../site/visit.ts';
import { instantOf } from './moments.ts';
import { openRecord } from './open-record.ts';
import { recordFrame } from './record-frame.ts';
import { errorsOf, orNone, type PageError, refusedWith } from './refusals.ts';
import { designerRoles, registryRoles } from './roles.ts';
import { labelOf, type SchemaField, sameValue } from './schema.ts';
import type { RegistryParts } from './shell.ts';
import { shownValue } from './shown-value.ts';

const access = { roles: registryRoles };
type Content = Readonly<Record<string, unknown>>;

/** A record's past: every change with before and after, what it said at a moment, who read it (REG-6.1-21-b). */
export function historyPages(parts: RegistryParts): void {
  const { site, names } = parts;

  const differences = (
    visit: SignedInVisit,
    fields: readonly SchemaField[],
    before: Content | null,
    after: Content | null,
  ) =>
    fields
      .filter(({ name }) => !sameValue(before?.[name], after?.[name]))
      .map((field) => ({
        label: labelOf(field),
        before: shownValue(visit.voice, field, before?.[field.name]),
        after: shownValue(visit.voice, field, after?.[field.name]),
      }));

  async function show(visit: SignedInVisit, errors: readonly PageError[] = []) {
    const { registry, id, data, params } = await openRecord(parts, visit);
    const { changes } = (await data.readHistory({ params })).body;
    const wanted = visit.query.at;
    const moment = wanted === undefined || wanted === '' ? undefined : instantOf(wanted, parts.timeZone);
    let past: { readonly since?: string; readonly content?: Content; readonly erased?: boolean } | undefined;
    if (moment !== undefined)
      try {
        const found = await orNone(data.readRecordAsOf({ params, query: { at: moment } }));
        past = found ? { since: found.body.since, content: found.body.content } : {};
      } catch (error) {
        if (!refusedWith(error, 410)) throw error;
        past = { erased: true };
      }
    return visit.show(
      'registries/history.njk',
      {
        ...(await recordFrame(parts, visit, registry, id, 'history')),
        archived: registry.archived,
        changes: changes.toReversed().map((change, index) => ({
          ...change,
          latest: index === 0,
          mine: change.person === visit.viewer.id,
          application: names.application(change.application),
          agency: names.member(change.application),
          differences: differences(visit, registry.fields, change.before, change.after),
        })),
        at: wanted,
        wrongMoment: wanted !== undefined && wanted !== '' && moment === undefined,
        moment,
        past: past && {
          ...past,
          rows: registry.fields.map((field) => ({
            ...shownValue(visit.voice, field, past.content?.[field.name]),
            label: labelOf(field),
          })),
        },
        errors,
      },
      errors.length > 0 ? 409 : 200,
    );
  }

  site.page('/registries/:registry/records/:record/history', access, (visit) => show(visit));

  site.action('/registries/:registry/records/:record/restore', access, async (visit) => {
    const { address, data, params } = await openRecord(parts, visit);
    const rowVersion = Number(input(visit, 'rowVersion'));
    try {
      await data.restoreRecord({
        params,
        body: Number.isInteger(rowVersion) && rowVersion > 0 ? { rowVersion } : {},
      });
    } catch (error) {
      if (!refusedWith(error, 400, 409, 410)) throw error;
      return show(visit, errorsOf(error, '#main-content'));
    }
    visit.leaveNotice('recordRestored');
    return visit.goTo(address);
  });

  /** Who has looked at data about the person whom the record is about. Asking is on record too, so it is asked for. */
  site.page('/registries/:registry/records/:record/readers', { roles: designerRoles }, async (visit) => {
    const { registry, id, data, params } = await openRecord(parts, visit);
    const owner = registry.fields.find(({ property }) => property.owner === true);
    const { body: record } = await data.getRecord({ params });
    const identifier = owner && record.content[owner.name];
    const usage =
      typeof identifier === 'string' && identifier !== ''
        ? (await data.queryUsage({ body: { identifier, limit: 200 } })).body
        : undefined;
    return visit.show('registries/readers.njk', {
      ...(await recordFrame(parts, visit, registry, id, 'readers')),
      owner: owner && labelOf(owner),
      readers: usage
        ?.filter((one) => one.registry === registry.place.code)
        .map((one) => ({
          ...one,
          mine: one.readerId === visit.viewer.id,
          application: names.application(one.readerApplication),
          agency: names.member(one.readerApplication),
          fields: one.fields.map((name) => labelOf({ name, property: {} })),
        })),
    });
  });
}
