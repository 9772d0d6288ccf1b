import { createHash, createPublicKey, type JsonWebKey, verify } from 'node:crypto';
import { announce, badRequest, forbidden, memberOf, newId, notFound } from '@govstack/platform';
import type { Static } from '@govstack/platform/operation';
import type { Kysely, Transaction } from 'kysely';
import { type AgreementInput, findAgreement, findRevision } from '../agreements/agreements.ts';
import { type ConsentRecord, consentGiven, consentWithdrawn, type Signature } from '../api/operations.ts';
import { type Actor, audit, authorOf } from '../audit/audit.ts';
import { appendRevision, serializeSnapshot } from '../revisions/revision.ts';
import type { Sealer } from '../revisions/sealer.ts';
import type { AgreementRow, ConsentTables, IndividualRow, RecordRow, RevisionRow } from '../tables.ts';

export type RecordView = Static<typeof ConsentRecord>;
export type SignatureView = Static<typeof Signature>;

const isUuid = (value: string): boolean => /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/i.test(value);

export async function findIndividual(
  db: Kysely<ConsentTables>,
  actor: Actor,
  id: string,
): Promise<IndividualRow> {
  const row = isUuid(id)
    ? await db.selectFrom('individual').selectAll().where('id', '=', id).executeTakeFirst()
    : undefined;
  if (!row) throw notFound('Individual');
  // A signed-in person acts for themself only.
  if (actor.person && actor.person.roles.length === 0 && row.external_id !== actor.person.id) {
    throw forbidden('This individual is another person');
  }
  return row;
}

/**
 * The one rule that decides whether data may be processed (digest 2): opted in, agreement still in force or only
 * closed for new records, and the revision current or declared compatible.
 */
export function isEffective(
  record: Pick<RecordRow, 'opt_in' | 'state' | 'data_agreement_revision_id'>,
  agreement: AgreementRow,
  signed: RevisionRow,
): boolean {
  if (!record.opt_in || record.state === 'pending more signatures') return false;
  if (record.data_agreement_revision_id === agreement.revision_id || !agreement.active) return true;
  const current = agreement.body as AgreementInput;
  const agreed = (JSON.parse(signed.serialized_snapshot) as { objectData: AgreementInput }).objectData;
  return current.compatibleWithVersion !== undefined && current.compatibleWithVersion === agreed.version;
}

export async function toView(db: Kysely<ConsentTables>, row: RecordRow): Promise<RecordView> {
  const agreement = await findAgreement(db, row.data_agreement_id);
  const signed = await findRevision(db, row.data_agreement_revision_id);
  return {
    id: row.id,
    dataAgreementId: row.data_agreement_id,
    dataAgreementRevisionId: row.data_agreement_revision_id,
    dataAgreementRevisionHash: row.data_agreement_revision_hash,
    individualId: row.individual_id,
    optIn: row.opt_in,
    state: row.state,
    signatureId: row.signature_id,
    updatedAt: row.updated_at,
    effective: isEffective(row, agreement, signed),
  };
}

/** What is signed of a record: the facts of the consent, without ids and states that storage gives. */
const objectData = (
  record: Pick<
    RecordView,
    'dataAgreementId' | 'dataAgreementRevisionId' | 'dataAgreementRevisionHash' | 'individualId' | 'optIn'
  >,
) => ({
  dataAgreement: record.dataAgreementId,
  dataAgreementRevision: record.dataAgreementRevisionId,
  dataAgreementRevisionHash: record.dataAgreementRevisionHash,
  individual: record.individualId,
  optIn: record.optIn,
});

async function agreementForConsent(
  db: Kysely<ConsentTables>,
  actor: Actor,
  agreementId: string,
  revisionId: string | undefined,
) {
  const agreement = await findAgreement(db, agreementId);
  if (agreement.owner !== memberOf(actor.caller.application)) throw notFound('Data agreement');
  if (!agreement.active) throw badRequest('The data agreement is not in force');
  if (revisionId !== undefined && revisionId !== agreement.revision_id) {
    throw badRequest('The named revision of the data agreement is not the current one');
  }
  return { agreement, revision: await findRevision(db, agreement.revision_id) };
}

/** A record and a signature to be completed by the person or a party they trust; nothing is stored. */
export async function draftRecord(
  db: Kysely<ConsentTables>,
  actor: Actor,
  input: { individualId: string; dataAgreementId: string; revisionId?: string },
): Promise<{ consentRecord: RecordView; signature: SignatureView }> {
  const individual = await findIndividual(db, actor, input.individualId);
  const { agreement, revision } = await agreementForConsent(
    db,
    actor,
    input.dataAgreementId,
    input.revisionId,
  );
  const consentRecord: RecordView = {
    dataAgreementId: agreement.id,
    dataAgreementRevisionId: revision.id,
    dataAgreementRevisionHash: revision.serialized_hash,
    individualId: individual.id,
    optIn: true,
    state: 'unsigned',
  };
  const timestamp = new Date().toISOString();
  const payload = serializeSnapshot({
    schemaName: 'ConsentRecord',
    objectId: '',
    signedWithoutObjectId: true,
    timestamp,
    author: authorOf(actor, individual.id),
    objectData: objectData(consentRecord),
  });
  return {
    consentRecord,
    signature: {
      payload,
      signature: '',
      verificationMethod: '',
      verificationPayload: payload,
      verificationPayloadHash: createHash('sha256').update(payload).digest('hex'),
      verificationSignedBy: '',
      verificationSignedAs: 'individual',
      signedWithoutObjectReference: true,
      objectType: 'revision',
      timestamp,
    },
  };
}

/** Methods by which a person's agreement can be proven; anything else is refused. */
function assertSigned(actor: Actor, individual: IndividualRow, signature: SignatureView): void {
  const refuse = (detail: string): never => {
    throw badRequest(detail, [{ in: 'body', pointer: '/signature', detail }]);
  };
  switch (signature.verificationMethod) {
    // The person is signed in; the identity provider's token, verified now, stands behind the record.
    case 'authenticated-session':
      if (!actor.person || actor.person.id !== individual.external_id) refuse('The person is not signed in');
      return;
    // A field worker or letter: the application answers for it under its own name (CON-UC-I-002).
    case 'assisted':
      if (signature.verificationSignedBy !== actor.caller.application)
        refuse('An assisted consent is signed by the assisting application');
      return;
    // The person's own key.
    case 'ES256': {
      let good = false;
      try {
        const jwk = JSON.parse(signature.verificationSignedBy) as JsonWebKey;
        const key = createPublicKey({ key: jwk, format: 'jwk' });
        good = verify(
          'sha256',
          Buffer.from(signature.payload),
          { key, dsaEncoding: 'ieee-p1363' },
          Buffer.from(signature.signature, 'base64url'),
        );
      } catch {
        good = false;
      }
      if (!good) refuse('The signature does not hold');
      return;
    }
    default:
      refuse('The verification method is not known');
  }
}

interface Stored {
  readonly record: RecordRow;
  readonly revision: RevisionRow;
  readonly signature: SignatureView | undefined;
}

async function existingRecord(
  trx: Transaction<ConsentTables>,
  agreementRevisionId: string,
  individualId: string,
): Promise<RecordRow | undefined> {
  return trx
    .selectFrom('consent_record')
    .selectAll()
    .where('data_agreement_revision_id', '=', agreementRevisionId)
    .where('individual_id', '=', individualId)
    .forUpdate()
    .executeTakeFirst();
}

/**
 * Stores a signed record. The payload must be, byte for byte, what this block would serialise for the record; then
 * record, revision and signature are stored together. The same pair again is answered from store.
 */
export async function submitRecord(
  trx: Transaction<ConsentTables>,
  sealer: Sealer,
  actor: Actor,
  record: RecordView,
  signature: SignatureView,
): Promise<Stored> {
  const individual = await findIndividual(trx, actor, record.individualId);
  const { agreement, revision: agreementRevision } = await agreementForConsent(
    trx,
    actor,
    record.dataAgreementId,
    record.dataAgreementRevisionId,
  );
  if (record.dataAgreementRevisionHash !== agreementRevision.serialized_hash)
    throw badRequest('dataAgreementRevisionHash is not the hash of that revision');
  const timestamp = signature.timestamp ?? '';
  const expected = serializeSnapshot({
    schemaName: 'ConsentRecord',
    objectId: '',
    signedWithoutObjectId: true,
    timestamp,
    author: authorOf(actor, individual.id),
    objectData: objectData(record),
  });
  if (signature.payload !== expected || signature.verificationPayload !== expected) {
    throw badRequest('The signed payload is not the serialisation of this record', [
      { in: 'body', pointer: '/signature/payload', detail: 'differs' },
    ]);
  }
  const age = Date.now() - Date.parse(timestamp);
  if (!(age > -300_000 && age < 30 * 24 * 3600_000))
    throw badRequest('The time of the signature is not acceptable');
  if (signature.verificationPayloadHash !== createHash('sha256').update(expected).digest('hex'))
    throw badRequest('verificationPayloadHash is wrong');
  assertSigned(actor, individual, signature);

  const existing = await existingRecord(trx, agreementRevision.id, individual.id);
  if (existing?.state === 'signed' && existing.opt_in === record.optIn) {
    return { record: existing, revision: await findRevision(trx, existing.revision_id), signature };
  }
  const id = existing?.id ?? newId();
  const revision = await appendRevision(
    trx,
    sealer,
    {
      id: newId(),
      schemaName: 'ConsentRecord',
      objectId: id,
      objectData: objectData(record),
      author: authorOf(actor, individual.id),
      at: new Date(timestamp),
      signedWithoutObjectId: true,
      ...(existing ? { predecessorId: existing.revision_id } : {}),
    },
    expected,
  );
  const signatureId = newId();
  await trx
    .insertInto('signature')
    .values({
      id: signatureId,
      payload: signature.payload,
      signature: signature.signature,
      verification_method: signature.verificationMethod,
      verification_payload: signature.verificationPayload,
      verification_payload_hash: signature.verificationPayloadHash,
      verification_signed_by: signature.verificationSignedBy,
      verification_signed_as: signature.verificationSignedAs ?? 'individual',
      signed_without_object_reference: true,
      object_reference: revision.id,
      timestamp,
    })
    .execute();
  const row: RecordRow = {
    id,
    individual_id: individual.id,
    data_agreement_id: agreement.id,
    data_agreement_revision_id: agreementRevision.id,
    data_agreement_revision_hash: agreementRevision.serialized_hash,
    opt_in: record.optIn,
    state: 'signed',
    revision_id: revision.id,
    signature_id: signatureId,
    updated_at: new Date().toISOString(),
  };
  await storeRecord(trx, row, existing);
  await audit(trx, actor, record.optIn ? 'consent.give' : 'consent.refuse', id);
  return {
    record: row,
    revision,
    signature: { ...signature, id: signatureId, objectReference: revision.id },
  };
}

async function storeRecord(
  trx: Transaction<ConsentTables>,
  row: RecordRow,
  existing: RecordRow | undefined,
): Promise<void> {
  if (existing) await trx.updateTable('consent_record').set(row).where('id', '=', row.id).execute();
  else await trx.insertInto('consent_record').values(row).execute();
  if (row.opt_in === (existing?.opt_in ?? !row.opt_in)) return;
  await announce(trx, row.opt_in ? consentGiven : consentWithdrawn, {
    subject: row.id,
    data: { consentRecordId: row.id, dataAgreementId: row.data_agreement_id },
  });
}

/** Records consent without a signature; the pair that exists already is answered from store. */
export async function createUnsigned(
  trx: Transaction<ConsentTables>,
  sealer: Sealer,
  actor: Actor,
  input: { individualId: string; dataAgreementId: string; revisionId?: string },
): Promise<Stored> {
  const individual = await findIndividual(trx, actor, input.individualId);
  const { agreement, revision: agreementRevision } = await agreementForConsent(
    trx,
    actor,
    input.dataAgreementId,
    input.revisionId,
  );
  const existing = await existingRecord(trx, agreementRevision.id, individual.id);
  if (existing)
    return {
      record: existing,
      revision: await findRevision(trx, existing.revision_id),
      signature: undefined,
    };
  return change(trx, sealer, actor, undefined, {
    individual_id: individual.id,
    data_agreement_id: agreement.id,
    data_agreement_revision_id: agreementRevision.id,
    data_agreement_revision_hash: agreementRevision.serialized_hash,
    opt_in: true,
  });
}

async function change(
  trx: Transaction<ConsentTables>,
  sealer: Sealer,
  actor: Actor,
  existing: RecordRow | undefined,
  facts: Pick<
    RecordRow,
    | 'individual_id'
    | 'data_agreement_id'
    | 'data_agreement_revision_id'
    | 'data_agreement_revision_hash'
    | 'opt_in'
  >,
): Promise<Stored> {
  const id = existing?.id ?? newId();
  const revision = await appendRevision(trx, sealer, {
    id: newId(),
    schemaName: 'ConsentRecord',
    objectId: id,
    objectData: objectData({
      dataAgreementId: facts.data_agreement_id,
      dataAgreementRevisionId: facts.data_agreement_revision_id,
      dataAgreementRevisionHash: facts.data_agreement_revision_hash,
      individualId: facts.individual_id,
      optIn: facts.opt_in,
    }),
    author: authorOf(actor, facts.individual_id),
    at: new Date(),
    ...(existing ? { predecessorId: existing.revision_id } : {}),
  });
  const row: RecordRow = {
    id,
    ...facts,
    state: 'unsigned',
    revision_id: revision.id,
    signature_id: null,
    updated_at: new Date().toISOString(),
  };
  await storeRecord(trx, row, existing);
  await audit(trx, actor, facts.opt_in ? 'consent.give' : 'consent.withdraw', id);
  return { record: row, revision, signature: undefined };
}

export async function findRecord(db: Kysely<ConsentTables>, id: string): Promise<RecordRow> {
  const row = isUuid(id)
    ? await db.selectFrom('consent_record').selectAll().where('id', '=', id).executeTakeFirst()
    : undefined;
  if (!row) throw notFound('Consent record');
  return row;
}

/** Opts out or in again. Only `optIn` may change; a signature given before no longer covers the record. */
export async function updateRecord(
  trx: Transaction<ConsentTables>,
  sealer: Sealer,
  actor: Actor,
  id: string,
  wanted: RecordView,
): Promise<Stored> {
  const record = await findRecord(trx, id);
  const locked = await existingRecord(trx, record.data_agreement_revision_id, record.individual_id);
  const { owner } = await findAgreement(trx, record.data_agreement_id);
  if (!locked || owner !== memberOf(actor.caller.application)) throw notFound('Consent record');
  await findIndividual(trx, actor, locked.individual_id);
  const same =
    wanted.dataAgreementId === locked.data_agreement_id &&
    wanted.dataAgreementRevisionId === locked.data_agreement_revision_id &&
    wanted.individualId === locked.individual_id;
  if (!same) throw badRequest('Only optIn may change');
  if (wanted.optIn === locked.opt_in) {
    return { record: locked, revision: await findRevision(trx, locked.revision_id), signature: undefined };
  }
  return change(trx, sealer, actor, locked, { ...locked, opt_in: wanted.optIn });
}

/** Latest record of each agreement of one individual. */
export async function currentRecords(
  db: Kysely<ConsentTables>,
  individualId: string,
  filter: { dataAgreementId?: string; offset?: number; limit?: number },
): Promise<RecordRow[]> {
  let query = db
    .selectFrom('consent_record')
    .selectAll()
    .distinctOn('data_agreement_id')
    .where('individual_id', '=', individualId)
    .orderBy('data_agreement_id')
    .orderBy('updated_at', 'desc');
  if (filter.dataAgreementId !== undefined)
    query = query.where('data_agreement_id', '=', filter.dataAgreementId);
  return query
    .offset(filter.offset ?? 0)
    .limit(filter.limit ?? 100)
    .execute();
}
