import { Problem } from '@govstack/platform';
import { isUuid } from '../site/ids.ts';
import { refreshes } from '../site/refresh.ts';
import { formKey, input, type SignedInVisit } from '../site/visit.ts';
import { latest } from './clients.ts';
import { joinedParts } from './file-parts.ts';
import { asked, filterText, lostFilters } from './filters.ts';
import { listKey } from './grid.ts';
import { type RecordList, wholeList } from './list-store.ts';
import { chosenIn, placeInList } from './record-addresses.ts';
import { errorsOf, type PageError, refusedWith } from './refusals.ts';
import { registryRoles } from './roles.ts';
import { frame, type OpenRegistry, openRegistry, type RegistryParts } from './shell.ts';
import { attachment, exportFormats, transferIn } from './transfer-form.ts';

const access = { roles: registryRoles };
/** Records that are given out at once; for more, an export works on its own. */
const mostAtOnce = 10_000;
const mediaTypes = {
  csv: 'text/csv; charset=utf-8',
  xlsx: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
  json: 'application/json',
} as const;

/** Which records an export form is about. */
interface Scope {
  readonly listId: string;
  readonly list: RecordList;
  readonly chosen: readonly string[];
}

/** Records of a registry as files: all, those of a list, those that were chosen (REG-6.1-25). */
export function exportPages(parts: RegistryParts): void {
  const { site, clients, lists } = parts;

  const exportFrame = (visit: SignedInVisit, registry: OpenRegistry) => ({
    ...frame(visit, registry, 'export'),
    back: `${registry.place.base}/exports`,
  });

  async function scopeOf(visit: SignedInVisit, registry: OpenRegistry, list: string): Promise<Scope> {
    const { list: listId } = placeInList(list, undefined);
    const found = listId === '' ? undefined : await lists.find(visit.viewer.id, listKey(registry), listId);
    return { listId: found ? listId : '', list: found ?? wholeList, chosen: chosenIn(visit).slice(0, 100) };
  }

  const isPart = ({ filters, words }: RecordList): boolean => filters.length > 0 || words !== undefined;

  function showNew(
    visit: SignedInVisit,
    registry: OpenRegistry,
    scope: Scope,
    errors: readonly PageError[] = [],
  ) {
    const { list, chosen } = scope;
    const which = [...(chosen.length > 0 ? ['chosen'] : []), ...(isPart(list) ? ['list'] : []), 'all'];
    return visit.show(
      'registries/export-new.njk',
      {
        ...exportFrame(visit, registry),
        scope,
        which,
        filters: list.filters.map((filter) => filterText(visit.voice, filter, registry.fields)),
        fileFormats: exportFormats,
        entered: {
          which: input(visit, 'which') || which[0],
          format: input(visit, 'format') || exportFormats[0],
          watermark: input(visit, 'watermark'),
          columns: input(visit, 'columns'),
        },
        errors,
      },
      errors.length > 0 ? 422 : 200,
    );
  }

  site.page('/registries/:registry/exports/new', access, async (visit) => {
    const registry = await openRegistry(parts, visit);
    return showNew(visit, registry, await scopeOf(visit, registry, visit.query.list ?? ''));
  });

  /** From the records that were ticked in a list. */
  site.action('/registries/:registry/exports/chosen', access, async (visit) => {
    const registry = await openRegistry(parts, visit);
    return showNew(visit, registry, await scopeOf(visit, registry, input(visit, '_list')));
  });

  site.action('/registries/:registry/exports', access, async (visit) => {
    const registry = await openRegistry(parts, visit);
    const { place, fields } = registry;
    const scope = await scopeOf(visit, registry, input(visit, '_list'));
    const { list, chosen } = scope;
    const format = exportFormats.find((one) => one === input(visit, 'format'));
    if (!format)
      return showNew(visit, registry, scope, [
        { text: visit.voice.t('registries.export.chooseFormat'), href: '#format' },
      ]);
    const which = input(visit, 'which');
    // A choice that is no longer known must not become an export of everything.
    if (which !== 'all' && !(which === 'chosen' && chosen.length > 0) && !(which === 'list' && isPart(list)))
      return showNew(visit, registry, scope, [
        { text: visit.voice.t('registries.export.chooseWhich'), href: '#which' },
      ]);
    const lost = which === 'list' ? lostFilters(visit.voice, list.filters, fields) : undefined;
    if (lost !== undefined) return showNew(visit, registry, scope, [{ text: lost, href: '#which' }]);
    const sought =
      which === 'list'
        ? {
            filter: list.filters.flatMap((filter) => asked(filter, fields) ?? []),
            ...(list.words === undefined ? {} : { words: list.words }),
          }
        : {};
    const columns =
      input(visit, 'columns') === 'yes'
        ? (list.columns ?? []).flatMap((id) => fields.find((field) => field.id === id)?.name ?? [])
        : [];
    const body = {
      registry: place.code,
      format,
      ...sought,
      ...(which === 'chosen' ? { keys: [...chosen] } : {}),
      ...(columns.length > 0 ? { fields: columns } : {}),
      ...(input(visit, 'watermark') === 'yes' && format !== 'json' ? { watermark: true } : {}),
    };
    const transfer = clients.transfer(place.owner);

    async function isSmall(): Promise<boolean> {
      if (which === 'chosen' || (registry.countIsExact && registry.records <= mostAtOnce)) return true;
      if (which === 'all') return false;
      const { count } = (
        await clients.data(place.owner).searchRecords({
          params: latest(place),
          body: { ...sought, pageSize: 1, countAll: true },
        })
      ).body;
      return count < mostAtOnce;
    }

    try {
      if (await isSmall())
        try {
          const { body: file } = await transfer.exportRecords({ body });
          return attachment(visit, `${place.code}.${format}`, mediaTypes[format]).send(Buffer.from(file));
        } catch (error) {
          // There have become more of them.
          if (!refusedWith(error, 413)) throw error;
        }
      const { id } = (await transfer.createExport({ idempotencyKey: formKey(visit), body })).body;
      return visit.goTo(`${place.base}/exports/${id}`);
    } catch (error) {
      if (!refusedWith(error, 400, 403, 409)) throw error;
      return showNew(visit, registry, scope, errorsOf(error, '#format'));
    }
  });

  site.page('/registries/:registry/exports', access, async (visit) => {
    const registry = await openRegistry(parts, visit);
    const { place } = registry;
    const { exports, next } = (
      await clients.transfer(place.owner).listExports({
        query: { registry: place.code, ...(isUuid(visit.query.after) ? { after: visit.query.after } : {}) },
      })
    ).body;
    return visit.show('registries/exports.njk', {
      ...exportFrame(visit, registry),
      back: '/registries',
      exports: exports.map((one) => ({ ...one, mine: one.createdBy === visit.viewer.id })),
      next: next && `${place.base}/exports?after=${next}`,
    });
  });

  async function open(visit: SignedInVisit) {
    const registry = await openRegistry(parts, visit);
    const transfer = clients.transfer(registry.place.owner);
    const { body: one } = await transfer.getExport({ params: { exportId: transferIn(visit) } });
    if (one.registry !== registry.place.code) throw new Problem(404, 'no such export');
    return { registry, transfer, one, address: `${registry.place.base}/exports/${one.id}` };
  }

  async function show(visit: SignedInVisit, errors: readonly PageError[] = []) {
    const { registry, one, address } = await open(visit);
    const busy = one.state === 'waiting' || one.state === 'working';
    return visit.show(
      'registries/export.njk',
      {
        ...exportFrame(visit, registry),
        one,
        address,
        busy,
        refreshing: refreshes(visit, busy),
        mine: one.createdBy === visit.viewer.id,
        errors,
      },
      errors.length > 0 ? 409 : 200,
    );
  }

  site.page('/registries/:registry/exports/:transfer', access, (visit) => show(visit));

  site.action('/registries/:registry/exports/:transfer', access, async (visit) => {
    const { transfer, one, address } = await open(visit);
    try {
      await transfer.cancelExport({ params: { exportId: one.id } });
    } catch (error) {
      if (!refusedWith(error, 409)) throw error;
      return show(visit, errorsOf(error, '#main-content'));
    }
    return visit.goTo(address);
  });

  site.page('/registries/:registry/exports/:transfer/file', access, async (visit) => {
    const { transfer, one } = await open(visit);
    if (one.state !== 'finished') throw new Problem(409, 'the export is not finished');
    const file = await joinedParts(
      one.parts,
      async (part) => (await transfer.readExportPart({ params: { exportId: one.id, part } })).body,
    );
    return attachment(visit, one.fileName, one.mediaType).header('content-length', one.bytes).send(file);
  });
}
