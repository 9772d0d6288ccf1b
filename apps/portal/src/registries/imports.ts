import { Problem } from '@govstack/platform';
import { parse } from 'csv-parse/sync';
import { isUuid } from '../site/ids.ts';
import { refreshes } from '../site/refresh.ts';
import type { SentStream } from '../site/sent-form.ts';
import { input, type SignedInVisit } from '../site/visit.ts';
import { inParts, joinedParts } from './file-parts.ts';
import { mappingPages } from './import-mapping.ts';
import { type Import, importFrame, openImport, type Transfer } from './open-import.ts';
import { errorsOf, type PageError, refusedWith } from './refusals.ts';
import { registryRoles } from './roles.ts';
import { labelOf } from './schema.ts';
import { type OpenRegistry, openRegistry, type RegistryParts } from './shell.ts';
import {
  attachment,
  dateOrders,
  encodings,
  formatOf,
  type ImportInputs,
  importFormats,
  importInputs,
  importModes,
  keyFields,
} from './transfer-form.ts';

const access = { roles: registryRoles };
const partBytes = 4 * 1024 * 1024;
const shownFaults = 50;
const mostKeys = 5;
const underWay: readonly Import['state'][] = ['waiting', 'reading', 'checking', 'writing', 'undoing'];

/** Uploads a file as it comes. Its first part goes last: without that, half a file can be neither looked at nor started. */
async function upload(transfer: Transfer, importId: string, file: SentStream): Promise<number> {
  let first: Buffer | undefined;
  let count = 0;
  for await (const body of inParts(file.bytes, partBytes)) {
    count += 1;
    if (count === 1) first = body;
    else await transfer.putImportPart({ params: { importId, part: count }, body });
  }
  if (file.bytes.truncated === true) throw new Problem(413, 'the file is too large');
  if (first) await transfer.putImportPart({ params: { importId, part: 1 }, body: first });
  return count;
}

/** How much of an import is done, where that is known. */
function progressOf({ state, rows }: Import): { readonly done: number; readonly of: number } | undefined {
  if (state === 'writing') return { done: rows.created + rows.changed + rows.unchanged, of: rows.valid };
  if (state === 'undoing') return { done: rows.undone + rows.kept, of: rows.created + rows.changed };
  return undefined;
}

/** Files of records into a registry: brought, looked at, checked, written, taken back (REG-6.1-24). */
export function importPages(parts: RegistryParts): void {
  const { site, clients } = parts;

  site.page('/registries/:registry/imports', access, async (visit) => {
    const registry = await openRegistry(parts, visit);
    const { place } = registry;
    const { imports, next } = (
      await clients.transfer(place.owner).listImports({
        query: { registry: place.code, ...(isUuid(visit.query.after) ? { after: visit.query.after } : {}) },
      })
    ).body;
    return visit.show('registries/imports.njk', {
      ...importFrame(visit, registry),
      back: '/registries',
      imports: imports.map((one) => ({ ...one, mine: one.createdBy === visit.viewer.id })),
      next: next && `${place.base}/imports?after=${next}`,
    });
  });

  const showNew = (
    visit: SignedInVisit,
    registry: OpenRegistry,
    entered: Partial<ImportInputs>,
    errors: readonly PageError[] = [],
  ) =>
    visit.show(
      'registries/import-new.njk',
      {
        ...importFrame(visit, registry),
        fileFormats: importFormats,
        modes: importModes,
        dateOrders,
        encodings,
        keyFields: keyFields(registry).map((field) => ({ id: String(field.id), label: labelOf(field) })),
        entered,
        errors,
      },
      errors.length > 0 ? 422 : 200,
    );

  site.page('/registries/:registry/imports/new', access, async (visit) =>
    showNew(visit, await openRegistry(parts, visit), { dryRun: true }),
  );

  site.upload('/registries/:registry/imports', access, async (visit, file) => {
    const { t } = visit.voice;
    const registry = await openRegistry(parts, visit);
    const { place } = registry;
    const inputs = importInputs(visit);
    const format = formatOf(inputs, file?.name ?? '');
    if (!file || file.name === '' || !format) {
      file?.bytes.resume();
      const text = file && file.name !== '' ? 'chooseFormat' : 'chooseFile';
      const href = text === 'chooseFormat' ? '#format' : '#file';
      return showNew(visit, registry, inputs, [{ text: t(`registries.import.${text}`), href }]);
    }
    const transfer = clients.transfer(place.owner);
    const upsertBy = keyFields(registry)
      .filter(({ id }) => inputs.keys.includes(String(id)))
      .map(({ name }) => name)
      .slice(0, mostKeys);
    let importId: string | undefined;
    try {
      // Without a key: a form that is sent twice may bring another file, and parts of two must not become one import.
      const made = await transfer.createImport({
        body: {
          registry: place.code,
          format,
          mode: inputs.mode,
          dryRun: inputs.dryRun,
          upsertBy,
          options: {
            dates: inputs.dates,
            emptyCells: inputs.keepEmpty ? 'default' : 'nothing',
            ...(format === 'csv' && inputs.encoding !== 'utf-8' ? { encoding: inputs.encoding } : {}),
          },
        },
      });
      importId = made.body.id;
      const count = await upload(transfer, importId, file);
      if (count > 0) return visit.goTo(`${place.base}/imports/${importId}`);
      await transfer.cancelImport({ params: { importId } });
      return showNew(visit, registry, inputs, [{ text: t('registries.import.emptyFile'), href: '#file' }]);
    } catch (error) {
      file.bytes.resume();
      if (importId !== undefined)
        await transfer.cancelImport({ params: { importId } }).catch(() => undefined);
      if (error instanceof Problem && error.status === 413)
        return showNew(visit, registry, inputs, [{ text: t('registries.import.tooLarge'), href: '#file' }]);
      if (!refusedWith(error, 400, 403, 409, 413)) throw error;
      return showNew(visit, registry, inputs, errorsOf(error, '#file'));
    }
  });

  const showMapping = mappingPages(parts);

  async function show(visit: SignedInVisit, errors: readonly PageError[] = []) {
    const { registry, transfer, one } = await openImport(parts, visit);
    if (one.state === 'uploading') return showMapping(visit, { registry, transfer, one }, errors);
    const busy = underWay.includes(one.state);
    const params = { importId: one.id, part: 1 };
    const report =
      !busy && one.report.faults > 0
        ? Buffer.from((await transfer.readImportReport({ params })).body).toString('utf8')
        : '';
    const faults: string[][] = parse(report, { bom: true, from_line: 2, to: shownFaults });
    const written = one.rows.created + one.rows.changed;
    return visit.show(
      'registries/import.njk',
      {
        ...importFrame(visit, registry),
        address: `${registry.place.base}/imports/${one.id}`,
        one,
        busy,
        refreshing: refreshes(visit, busy),
        progress: progressOf(one),
        faults: faults.map(([row = '', field = '', detail = '', value = '']) => ({
          row,
          field,
          detail,
          value,
        })),
        mayCancel: busy && one.state !== 'undoing',
        mayResume: ['failed', 'cancelled'].includes(one.state) && one.startedAt !== null,
        mayWrite:
          one.state === 'checked' &&
          one.rows.valid > 0 &&
          (one.rows.faulty === 0 || one.mode === 'good-rows'),
        mayUndo: ['finished', 'failed', 'cancelled'].includes(one.state) && written > 0,
        errors,
      },
      errors.length > 0 ? 409 : 200,
    );
  }

  site.page('/registries/:registry/imports/:transfer', access, (visit) => show(visit));

  site.action('/registries/:registry/imports/:transfer', access, async (visit) => {
    const { registry, transfer, one } = await openImport(parts, visit);
    const call = { params: { importId: one.id } };
    try {
      switch (input(visit, '_action')) {
        case 'cancel':
          await transfer.cancelImport(call);
          break;
        case 'resume':
          await transfer.resumeImport(call);
          break;
        case 'undo':
          await transfer.undoImport(call);
          break;
        default:
          throw new Problem(400, 'no such act');
      }
    } catch (error) {
      if (!refusedWith(error, 400, 403, 409)) throw error;
      return show(visit, errorsOf(error, '#main-content'));
    }
    return visit.goTo(`${registry.place.base}/imports/${one.id}`);
  });

  /** Before an import is taken back. */
  site.page('/registries/:registry/imports/:transfer/undo', access, async (visit) => {
    const { registry, one } = await openImport(parts, visit);
    const address = `${registry.place.base}/imports/${one.id}`;
    return visit.show('registries/import-undo.njk', {
      ...importFrame(visit, registry),
      back: address,
      address,
      one,
    });
  });

  site.page('/registries/:registry/imports/:transfer/report.csv', access, async (visit) => {
    const { registry, transfer, one } = await openImport(parts, visit);
    const report = await joinedParts(
      one.report.parts,
      async (part) => (await transfer.readImportReport({ params: { importId: one.id, part } })).body,
    );
    return attachment(visit, `${registry.place.code}-report.csv`, 'text/csv; charset=utf-8').send(report);
  });
}
