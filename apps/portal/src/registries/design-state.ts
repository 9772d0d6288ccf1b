import { workbookType } from '@govstack/platform/operation';
import type { SignedInVisit } from '../site/visit.ts';
import { type Place, placeAt } from './place.ts';
import { orNone } from './refusals.ts';
import { fieldsOf, type Schema, type SchemaField } from './schema.ts';
import type { RegistryParts } from './shell.ts';

type Clients = RegistryParts['clients'];
type Info = Awaited<ReturnType<ReturnType<Clients['database']>['getRegistry']>>['body'];

/** A registry in the hands of its designer. */
export interface Design {
  readonly place: Place;
  readonly info: Info;
  /** Of the draft; without one, of the newest version. */
  readonly schema: Schema;
  /** What a change must be based on. */
  readonly tag: string;
  readonly hasDraft: boolean;
  readonly report: readonly {
    readonly pointer: string;
    readonly breaking: boolean;
    readonly detail: string;
  }[];
  readonly publishing: boolean;
  readonly failure: string | null;
  readonly published: boolean;
}

export async function openDesign(parts: RegistryParts, visit: SignedInVisit): Promise<Design> {
  const place = placeAt(parts.owners, visit.viewer, visit.params.registry as string);
  const database = parts.clients.database(place.owner);
  const [info, draft] = await Promise.all([
    database.getRegistry({ params: { id: place.code } }),
    orNone(database.getDraft({ params: { code: place.code } })),
  ]);
  return {
    place,
    info: info.body,
    schema: (draft?.body.schema ?? info.body.schema) as Schema,
    tag: (draft ?? info).headers.etag ?? '',
    hasDraft: draft !== undefined,
    report: draft?.body.report ?? [],
    publishing: draft?.body.publishing ?? false,
    failure: draft?.body.failure ?? null,
    published: info.body.versions.length > 0,
  };
}

/** Keeps a schema, or a workbook with one, as the draft, if the registry still is what it was made from. */
export const keepDraft = (
  parts: RegistryParts,
  { place }: Design,
  basedOn: string,
  schema: Schema | Uint8Array,
) =>
  parts.clients.database(place.owner).putDraft({
    params: { code: place.code },
    headers: { 'if-match': basedOn },
    body: schema instanceof Uint8Array ? schema : { schema },
  });

/** The schema as an Excel workbook. */
export async function schemaWorkbook(parts: RegistryParts, { place, info, hasDraft }: Design) {
  const { code } = place;
  const database = parts.clients.database(place.owner);
  const headers = { accept: workbookType };
  const { body } = hasDraft
    ? await database.getDraft({ params: { code }, headers })
    : await database.exportSchema({ params: { code, version: info.version }, headers });
  return Buffer.from(body as unknown as Uint8Array);
}

const mostVersionsRead = 10;

/** Fields of published versions that the draft has no more, each as it was last. */
export async function retiredFields(parts: RegistryParts, design: Design): Promise<SchemaField[]> {
  const database = parts.clients.database(design.place.owner);
  const used = new Set(fieldsOf(design.schema).map(({ id }) => id));
  const schemas = await Promise.all(
    design.info.versions
      .slice(0, mostVersionsRead)
      .map(({ version }) => database.exportSchema({ params: { code: design.place.code, version } })),
  );
  const retired = new Map<number, SchemaField>();
  for (const { body } of schemas)
    for (const field of fieldsOf(body as unknown as Schema))
      if (!used.has(field.id) && !retired.has(field.id)) retired.set(field.id, field);
  return [...retired.values()];
}
