import { createHash } from 'node:crypto';
import { badRequest, type JobSpec, newId, notFound, Problem } from '@govstack/platform';
import { type Kysely, sql } from 'kysely';
import type { Granted, Reader } from '../access/access.ts';
import type { SubjectHash } from '../history/read-log.ts';
import { contentOf, type Row } from '../records/content.ts';
import { documentIdOf } from '../records/documents.ts';
import { byKey, shownRows } from '../records/read.ts';
import type { Field } from '../schema/field.ts';
import type { RegistryTables } from '../tables.ts';
import { extensionsOf, isOfType, knownMediaTypes } from './media-types.ts';

type Db = Kysely<RegistryTables>;

export interface DocumentInfo {
  readonly documentId: string;
  readonly originalName: string;
  readonly type: string;
  readonly size: number;
  /** SHA-256 of the content, in hexadecimal digits. */
  readonly sha256: string;
}

export interface Upload {
  readonly bytes: Buffer;
  readonly originalName: string;
  readonly type: string;
}

const chunkSize = 1024 * 1024;
/** A name without folders and without what no file system takes. */
const plainName = (name: string): string =>
  name
    .replaceAll(/[\p{Cc}\p{Cs}]/gu, '')
    .split(/[/\\]/)
    .at(-1)
    ?.trim()
    .slice(0, 255) || 'document';

const mostUnbound = 1000;

/** Documents that no record names yet are held for a day: an application has only so many of them. */
async function assertRoom(db: Db, application: string): Promise<void> {
  const waiting = await db
    .selectFrom('document')
    .select('id')
    .where('record', 'is', null)
    .where('application', '=', application)
    .limit(mostUnbound)
    .execute();
  if (waiting.length >= mostUnbound)
    throw new Problem(429, 'Too many documents are waiting for records that name them');
}

/** Keeps a document for a field. A record has to name it within a day. */
export async function uploadDocument(
  db: Db,
  { registry, fields }: Granted,
  reader: Reader,
  fieldName: string,
  { bytes, originalName, type }: Upload,
): Promise<DocumentInfo> {
  const field = fields.find(({ name }) => name === fieldName);
  if (!field?.documents) throw badRequest('This field holds no documents');
  const { types = knownMediaTypes, maxSize } = field.documents;
  if (bytes.length > maxSize) throw new Problem(413, `Documents of this field have at most ${maxSize} bytes`);
  if (!types.includes(type) || !isOfType(bytes, type))
    throw new Problem(415, `The document is not what this field takes: ${types.join(', ')}`);
  await assertRoom(db, reader.caller.application);
  const id = newId();
  const sha256 = createHash('sha256').update(bytes).digest();
  const name = plainName(originalName);
  const chunks = Array.from({ length: Math.ceil(bytes.length / chunkSize) }, (_, position) =>
    bytes.subarray(position * chunkSize, (position + 1) * chunkSize),
  );
  await db.transaction().execute(async (trx) => {
    await trx
      .insertInto('document')
      .values({
        id,
        registry_id: registry.id,
        field: field.id,
        original_name: name,
        media_type: type,
        size: bytes.length,
        sha256,
        application: reader.caller.application,
        person: reader.person?.id ?? null,
      })
      .execute();
    for (const [position, chunk] of chunks.entries())
      await trx.insertInto('document_chunk').values({ document_id: id, position, bytes: chunk }).execute();
  });
  return { documentId: id, originalName: name, type, size: bytes.length, sha256: sha256.toString('hex') };
}

export interface DocumentContent extends DocumentInfo {
  readonly bytes: Buffer;
}

async function load(
  db: Db,
  registryId: string,
  field: Field,
  record: string,
  id: string,
): Promise<DocumentContent> {
  const found = await db
    .selectFrom('document')
    .selectAll()
    .where('id', '=', id)
    .where('registry_id', '=', registryId)
    .where('field', '=', field.id)
    .where('record', '=', record)
    .executeTakeFirst();
  if (!found) throw notFound('Document');
  const chunks = await db
    .selectFrom('document_chunk')
    .select('bytes')
    .where('document_id', '=', id)
    .orderBy('position')
    .execute();
  return {
    documentId: found.id,
    originalName: found.original_name,
    type: found.media_type,
    size: found.size,
    sha256: found.sha256.toString('hex'),
    bytes: Buffer.concat(chunks.map(({ bytes }) => bytes)),
  };
}

/** A document by its id, for those who may see its field in the record it belongs to; that is put on record. */
export async function readDocument(
  db: Db,
  granted: Granted,
  reader: Reader,
  id: string,
  hash: SubjectHash,
): Promise<DocumentContent> {
  const found = await db
    .selectFrom('document')
    .select(['field', 'record'])
    .where('id', '=', id)
    .where('registry_id', '=', granted.registry.id)
    .executeTakeFirst();
  const field = granted.fields.find((one) => one.id === found?.field);
  const row = field && found?.record ? await byKey(db, granted, found.record) : undefined;
  if (!field || !row || row.state !== 'active') throw notFound('Document');
  await shownRows(db, granted, reader, 'read', [row], hash, [field]);
  return load(db, granted.registry.id, field, row.uuid, id);
}

/**
 * The document that a record holds in a field (REG-8-g), when `extension` is one of its type. Undefined: the field holds
 * none, and its value is what is asked for.
 */
export async function documentInField(
  db: Db,
  granted: Granted,
  reader: Reader,
  key: string,
  fieldName: string,
  extension: string,
  hash: SubjectHash,
): Promise<DocumentContent | undefined> {
  const field = granted.fields.find(({ name }) => name === fieldName);
  if (!field?.documents || extension === 'json') return undefined;
  const row: Row | undefined = await byKey(db, granted, key);
  const ids = row?.state === 'active' ? [contentOf([field], row)[field.name]].flat().map(documentIdOf) : [];
  if (!row || ids.every((id) => id === undefined)) return undefined;
  await shownRows(db, granted, reader, 'read', [row], hash, [field]);
  for (const id of ids) {
    if (id === undefined) continue;
    const found = await load(db, granted.registry.id, field, row.uuid, id);
    if (extensionsOf(found.type).includes(extension)) return found;
  }
  throw notFound('Document');
}

const unboundHours = 24;

/** Removes documents that no record has named within a day. Answers how many. */
export async function removeUnbound(db: Db, now: Date): Promise<number> {
  const before = new Date(now.getTime() - unboundHours * 3_600_000).toISOString();
  const gone = await sql`
    delete from document
    where record is null and created_at < ${before}::timestamptz`.execute(db);
  return Number(gone.numAffectedRows ?? 0n);
}

export const removesUnbound = (db: Db, now: () => Date): JobSpec => ({
  name: 'remove-unbound-documents',
  schedule: { cron: '7 * * * *', timeZone: 'UTC' },
  async handle() {
    await removeUnbound(db, now());
  },
});
