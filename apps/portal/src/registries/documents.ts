import { Problem } from '@govstack/platform';
import type { FormBody } from '../forms/entry.ts';
import { isUuid } from '../site/ids.ts';
import type { SignedInVisit } from '../site/visit.ts';
import { latest } from './clients.ts';
import { inputName } from './field-entry.ts';
import { orNone, refusedWith } from './refusals.ts';
import { registryRoles } from './roles.ts';
import { kindOf, labelOf, type SchemaField } from './schema.ts';
import { type OpenRegistry, openRegistry, type RegistryParts } from './shell.ts';
import type { ShownValue } from './shown-value.ts';

/** Documents of a value with the addresses at which the portal gives them; pictures are shown. */
export const withDocuments = (shown: ShownValue, record: string) =>
  shown.files === undefined
    ? shown
    : {
        ...shown,
        files: shown.files.map((file) =>
          file.documentId === undefined
            ? file
            : {
                ...file,
                url: `${record}/documents/${file.documentId}`,
                picture: /^image\/(png|jpeg|gif|webp)$/.test(file.type),
              },
        ),
      };

/** A form whose files have been given to the registry: in their place stand the ids of documents. */
export async function withUploads(
  { clients }: RegistryParts,
  visit: SignedInVisit,
  { place }: OpenRegistry,
  fields: readonly SchemaField[],
  body: FormBody,
): Promise<{ readonly body: FormBody; readonly refused: ReadonlyMap<number, string> }> {
  const inputs: Record<string, string> = {};
  const refused = new Map<number, string>();
  for (const field of fields.filter(({ property }) => kindOf(property) === 'file')) {
    const id = inputName(field);
    const file = visit.file(`${id}-file`);
    if (!file || file.bytes.length === 0) continue;
    try {
      const { body: document } = await clients.data(place.owner).uploadDocument({
        params: { ...latest(place), field: field.name },
        headers: { 'x-original-name': encodeURIComponent(file.name), 'x-media-type': file.type },
        body: file.bytes,
      });
      Object.assign(inputs, {
        [`${id}-document`]: document.documentId,
        [`${id}-documentName`]: document.originalName,
        [`${id}-documentType`]: document.type,
        [`${id}-url`]: '',
        [`${id}-remove`]: '',
      });
    } catch (error) {
      if (!refusedWith(error, 400, 413, 415)) throw error;
      const why = error.status === 413 ? 'fileTooLarge' : 'fileWrong';
      refused.set(field.id, visit.voice.t(`registries.entry.${why}`, { label: labelOf(field) }));
    }
  }
  return { body: { ...body, ...inputs }, refused };
}

/** A document of a record: a browser opens pictures, keeps everything else, and runs nothing of it (REG-6.1-21-b). */
export function documentPages(parts: RegistryParts): void {
  parts.site.page(
    '/registries/:registry/records/:record/documents/:document',
    { roles: registryRoles },
    async (visit) => {
      const { place } = await openRegistry(parts, visit);
      const documentId = visit.params.document;
      const data = parts.clients.data(place.owner);
      const found = isUuid(documentId)
        ? await orNone(data.readDocument({ params: { ...latest(place), documentId } }))
        : undefined;
      if (!found) throw new Problem(404, 'no such document');
      return visit.reply
        .header('content-type', found.headers['content-type'] ?? 'application/octet-stream')
        .header('content-disposition', found.headers['content-disposition'] ?? 'attachment')
        .header('content-security-policy', "default-src 'none'; sandbox")
        .header('cross-origin-resource-policy', 'same-origin')
        .header('cache-control', 'no-store')
        .header('x-content-type-options', 'nosniff')
        .send(Buffer.from(found.body));
    },
  );
}
