import type { FastifyReply } from 'fastify';
import { input, type SignedInVisit } from '../site/visit.ts';
import { type Import, importFrame, type OpenedImport, openImport, type Transfer } from './open-import.ts';
import { errorsOf, type PageError, refusedWith } from './refusals.ts';
import { registryRoles } from './roles.ts';
import type { RegistryParts } from './shell.ts';

type ShowMapping = (
  visit: SignedInVisit,
  opened: OpenedImport,
  errors?: readonly PageError[],
) => Promise<FastifyReply>;

type Preview = Awaited<ReturnType<Transfer['previewImport']>>['body'];

/** Which column goes into which field, as the form says. */
const mappingIn = (visit: SignedInVisit, { columns, fields }: Preview) =>
  columns.map(({ column }, index) => ({
    column,
    field: fields.find(({ name }) => name === input(visit, `column-${index}`))?.name ?? null,
  }));

function faultsOf(visit: SignedInVisit, mapping: ReturnType<typeof mappingIn>, one: Import): PageError[] {
  const { t } = visit.voice;
  const named = mapping.flatMap(({ field }) => field ?? []);
  if (named.length === 0) return [{ text: t('registries.import.mapSome'), href: '#column-0' }];
  const twice = mapping.findIndex(
    ({ field }, index) => field !== null && mapping.findIndex((other) => other.field === field) < index,
  );
  if (twice >= 0)
    return [
      {
        text: t('registries.import.mappedTwice', { field: mapping[twice]?.field }),
        href: `#column-${twice}`,
      },
    ];
  return one.upsertBy
    .filter((field) => !named.includes(field))
    .map((field) => ({ text: t('registries.import.keyUnmapped', { field }), href: '#column-0' }));
}

/** Columns of a file and the fields they go into, with its first rows, before an import begins. */
export function mappingPages(parts: RegistryParts): ShowMapping {
  const preview = ({ transfer, one }: OpenedImport) =>
    transfer.previewImport({ params: { importId: one.id } });

  const show: ShowMapping = async (visit, opened, errors = []) => {
    const { registry, one } = opened;
    const shared = {
      ...importFrame(visit, registry),
      address: `${registry.place.base}/imports/${one.id}`,
      one,
    };
    let shown: Preview;
    try {
      shown = (await preview(opened)).body;
    } catch (error) {
      if (!refusedWith(error, 400, 409)) throw error;
      const found = errors.length > 0 ? errors : errorsOf(error, '#main-content');
      return visit.show('registries/import-mapping.njk', { ...shared, errors: found }, 409);
    }
    const entered = visit.request.method === 'POST' ? mappingIn(visit, shown) : shown.columns;
    const mapped = entered.map(({ field }) => field);
    return visit.show(
      'registries/import-mapping.njk',
      {
        ...shared,
        columns: shown.columns.map(({ column, likeness }, index) => ({
          column,
          field: mapped[index] ?? '',
          guessed: visit.request.method === 'GET' && mapped[index] !== null && likeness < 1,
          examples: shown.rows.flatMap((row) => row[index] ?? []).slice(0, 2),
        })),
        fields: shown.fields,
        missing: shown.fields
          .filter(({ name, required }) => required && !mapped.includes(name))
          .map(({ name }) => name),
        rows: shown.rows,
        errors,
      },
      errors.length > 0 ? 422 : 200,
    );
  };

  parts.site.action(
    '/registries/:registry/imports/:transfer/mapping',
    { roles: registryRoles },
    async (visit) => {
      const opened = await openImport(parts, visit);
      const { registry, transfer, one } = opened;
      const address = `${registry.place.base}/imports/${one.id}`;
      if (one.state !== 'uploading') return visit.goTo(address);
      const params = { importId: one.id };
      try {
        const mapping = mappingIn(visit, (await preview(opened)).body);
        const errors = faultsOf(visit, mapping, one);
        if (errors.length > 0) return show(visit, opened, errors);
        await transfer.putImportMapping({ params, body: { mapping } });
        await transfer.startImport({ params, body: { parts: one.parts } });
      } catch (error) {
        if (!refusedWith(error, 400, 403, 409)) throw error;
        return show(visit, opened, errorsOf(error, '#column-0'));
      }
      return visit.goTo(address);
    },
  );
  return show;
}
