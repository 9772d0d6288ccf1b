import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import type { Transaction } from 'kysely';
import type { ConsentTables, RevisionRow } from '../tables.ts';
import type { Sealer } from './sealer.ts';

const hash = (algorithm: 'sha1' | 'sha256', text: string): string =>
  createHash(algorithm).update(text).digest('hex');

export interface Author {
  /** Individual who authorised the change, if one did. */
  readonly individual: string | undefined;
  /** Application, and the person acting through it. */
  readonly other: string;
}

export interface RevisionInput {
  readonly id: string;
  readonly schemaName: 'Policy' | 'DataAgreement' | 'ConsentRecord';
  readonly objectId: string;
  readonly objectData: unknown;
  readonly author: Author;
  readonly at: Date;
  /** The snapshot was signed before the object had an id (CON-9.2-b). */
  readonly signedWithoutObjectId?: boolean;
  readonly predecessorId?: string;
}

/** The text that is hashed and signed: everything but ids and links that only storage gives (digest 2). */
export function serializeSnapshot(
  input: Omit<RevisionInput, 'id' | 'predecessorId' | 'at'> & { readonly timestamp: string },
): string {
  return canonicalize({
    schemaName: input.schemaName,
    objectId: input.signedWithoutObjectId ? '' : input.objectId,
    signedWithoutObjectId: input.signedWithoutObjectId ?? false,
    timestamp: input.timestamp,
    authorizedByIndividual: input.author.individual ?? '',
    authorizedByOther: input.author.other,
    objectData: input.objectData,
  }) as string;
}

/** Appends a revision and links it to its predecessor. Concurrent successors of one revision: the second fails. */
export async function appendRevision(
  trx: Transaction<ConsentTables>,
  sealer: Sealer,
  input: RevisionInput,
  snapshot = serializeSnapshot({ ...input, timestamp: input.at.toISOString() }),
): Promise<RevisionRow> {
  const predecessor = input.predecessorId
    ? await trx
        .selectFrom('revision')
        .select(['serialized_hash_sha256', 'block_signature'])
        .where('id', '=', input.predecessorId)
        .executeTakeFirstOrThrow()
    : undefined;
  const sha256 = hash('sha256', snapshot);
  const row: RevisionRow = {
    id: input.id,
    schema_name: input.schemaName,
    object_id: input.objectId,
    serialized_snapshot: snapshot,
    serialized_hash: hash('sha1', snapshot),
    serialized_hash_sha256: sha256,
    signed_without_object_id: input.signedWithoutObjectId ?? false,
    timestamp: input.at.toISOString(),
    authorized_by_individual: input.author.individual ?? null,
    authorized_by_other: input.author.other,
    predecessor_id: input.predecessorId ?? null,
    predecessor_hash: predecessor?.serialized_hash_sha256 ?? null,
    successor_id: null,
    block_signature: sealer.sign(`${sha256}.${predecessor?.serialized_hash_sha256 ?? ''}`),
  };
  await trx.insertInto('revision').values(row).execute();
  if (input.predecessorId) {
    await trx
      .updateTable('revision')
      .set({ successor_id: row.id })
      .where('id', '=', input.predecessorId)
      .execute();
  }
  return row;
}

/** Whether a chain of revisions, oldest first, still says what was signed. */
export function chainIsIntact(sealer: Sealer, revisions: readonly RevisionRow[]): boolean {
  return revisions.every((row, index) => {
    const before = index === 0 ? null : (revisions[index - 1]?.serialized_hash_sha256 ?? null);
    return (
      hash('sha256', row.serialized_snapshot) === row.serialized_hash_sha256 &&
      hash('sha1', row.serialized_snapshot) === row.serialized_hash &&
      row.predecessor_hash === before &&
      sealer.verify(`${row.serialized_hash_sha256}.${before ?? ''}`, row.block_signature)
    );
  });
}

/** A revision in the words of the published API. */
export const toRevision = (row: RevisionRow, predecessorSignature: string | null = null) => ({
  id: row.id,
  schemaName: row.schema_name,
  objectId: row.object_id,
  signedWithoutObjectId: row.signed_without_object_id,
  timestamp: row.timestamp,
  authorizedByIndividual: row.authorized_by_individual,
  authorizedByOther: row.authorized_by_other,
  successor: row.successor_id,
  predecessorHash: row.predecessor_hash,
  predecessorSignature,
  serializedSnapshot: row.serialized_snapshot,
  serializedHash: row.serialized_hash,
  serializedHashSha256: row.serialized_hash_sha256,
  blockSignature: row.block_signature,
});
