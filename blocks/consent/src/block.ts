import {
  badRequest,
  defineBlock,
  forbidden,
  implement,
  memberOf,
  newId,
  notFound,
  once,
  transaction,
} from '@govstack/platform';
import { Type } from '@govstack/platform/operation';
import {
  type AgreementInput,
  deletePolicy,
  findAgreement,
  findPolicy,
  findRevision,
  type PolicyInput,
  saveAgreement,
  savePolicy,
  terminateAgreement,
} from './agreements/agreements.ts';
import { consentApi, consentGiven, consentWithdrawn } from './api/operations.ts';
import { type Actor, audit } from './audit/audit.ts';
import {
  createUnsigned,
  currentRecords,
  draftRecord,
  findIndividual,
  findRecord,
  submitRecord,
  toView,
  updateRecord,
} from './records/records.ts';
import { chainIsIntact, toRevision } from './revisions/revision.ts';
import { createSealer } from './revisions/sealer.ts';
import type { ConsentTables, IndividualRow } from './tables.ts';

const toIndividual = (row: IndividualRow) => ({
  id: row.id,
  externalId: row.external_id,
  externalIdType: row.external_id_type,
  identityProviderId: row.identity_provider_id,
});

const isUuid = (value: string): boolean => /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/i.test(value);

/** Policies, data agreements, consent records: what may be done with a person's data, and proof that they agreed. */
export const consent = defineBlock({
  name: 'consent',
  title: 'Consent',
  version: '0.1.0',
  surfaces: [consentApi],
  config: Type.Object({}),
  migrations: new URL('../migrations/', import.meta.url),
  emits: [consentGiven, consentWithdrawn],
  async start(ctx) {
    const db = ctx.database<ConsentTables>();
    const sealer = createSealer(ctx.secret('revision-signing'));
    const mine = (actor: Actor, owner: string, what: string): void => {
      if (owner !== memberOf(actor.caller.application)) throw notFound(what);
    };
    return {
      surfaces: [
        implement(consentApi, {
          createPolicy: ({ body, caller, person, idempotencyKey }) =>
            once(
              db,
              { scope: `${caller.application}/createPolicy`, key: idempotencyKey, request: body },
              async (trx) => {
                const { policy, revision } = await savePolicy(trx, sealer, { caller, person }, body.policy);
                return { status: 200, body: { policy, revision: toRevision(revision) } };
              },
            ),
          readPolicy: async ({ params, query, caller, person }) => {
            const policy = await findPolicy(db, params.policyId);
            mine({ caller, person }, policy.owner, 'Policy');
            const revision = await findRevision(db, query.revisionId ?? policy.revision_id);
            if (revision.object_id !== policy.id) throw badRequest('That revision is not one of this policy');
            const snapshot = JSON.parse(revision.serialized_snapshot) as { objectData: PolicyInput };
            return { status: 200, body: { policy: snapshot.objectData, revision: toRevision(revision) } };
          },
          updatePolicy: ({ params, body, caller, person }) =>
            transaction(db, async (trx) => {
              const { policy, revision } = await savePolicy(
                trx,
                sealer,
                { caller, person },
                body.policy,
                params.policyId,
              );
              return { status: 200, body: { policy, revision: toRevision(revision) } };
            }),
          deletePolicy: ({ params, caller, person }) =>
            transaction(db, async (trx) => ({
              status: 200,
              body: { revision: toRevision(await deletePolicy(trx, { caller, person }, params.policyId)) },
            })),
          listPolicies: async ({ query, caller }) => {
            const rows = await db
              .selectFrom('policy')
              .select('body')
              .where('owner', '=', memberOf(caller.application))
              .where('deleted', '=', false)
              .orderBy('id')
              .offset(query.offset ?? 0)
              .limit(query.limit ?? 100)
              .execute();
            return { status: 200, body: { policies: rows.map((row) => row.body as PolicyInput) } };
          },
          createDataAgreement: ({ body, caller, person, idempotencyKey }) =>
            once(
              db,
              { scope: `${caller.application}/createDataAgreement`, key: idempotencyKey, request: body },
              async (trx) => {
                const saved = await saveAgreement(trx, sealer, { caller, person }, body.dataAgreement);
                return {
                  status: 200,
                  body: { dataAgreement: saved.dataAgreement, revision: toRevision(saved.revision) },
                };
              },
            ),
          readDataAgreement: async ({ params, caller, person }) => {
            const agreement = await findAgreement(db, params.dataAgreementId);
            mine({ caller, person }, agreement.owner, 'Data agreement');
            const revision = toRevision(await findRevision(db, agreement.revision_id));
            return { status: 200, body: { dataAgreement: agreement.body as AgreementInput, revision } };
          },
          updateDataAgreement: ({ params, body, caller, person }) =>
            transaction(db, async (trx) => {
              const saved = await saveAgreement(
                trx,
                sealer,
                { caller, person },
                body.dataAgreement,
                params.dataAgreementId,
              );
              return {
                status: 200,
                body: { dataAgreement: saved.dataAgreement, revision: toRevision(saved.revision) },
              };
            }),
          deleteDataAgreement: ({ params, caller, person }) =>
            transaction(db, async (trx) => ({
              status: 200,
              body: {
                revision: toRevision(
                  await terminateAgreement(trx, sealer, { caller, person }, params.dataAgreementId),
                ),
              },
            })),
          listDataAgreements: async ({ query, caller }) => {
            const rows = await db
              .selectFrom('data_agreement')
              .select('body')
              .where('owner', '=', memberOf(caller.application))
              .orderBy('id')
              .offset(query.offset ?? 0)
              .limit(query.limit ?? 100)
              .execute();
            const agreements = rows.map((row) => row.body as AgreementInput);
            return { status: 200, body: { dataAgreement: agreements, dataAgreements: agreements } };
          },
          createIndividual: async ({ body, caller, person }) => {
            const { externalId = null, externalIdType = null, identityProviderId = null } = body.individual;
            if (person && person.roles.length === 0 && externalId !== person.id)
              throw forbidden('A person registers only themself');
            const row = {
              id: newId(),
              external_id: externalId,
              external_id_type: externalIdType,
              identity_provider_id: identityProviderId,
            };
            const inserted = await transaction(db, async (trx) => {
              const result = await trx
                .insertInto('individual')
                .values(row)
                .onConflict((conflict) => conflict.constraint('individual_external_key').doNothing())
                .returning('id')
                .executeTakeFirst();
              if (result) await audit(trx, { caller, person }, 'individual.create', row.id);
              return result;
            });
            if (!inserted)
              throw badRequest('An individual with this external id exists already', [
                { in: 'body', pointer: '/individual/externalId', detail: 'exists already' },
              ]);
            return { status: 200, body: { individual: toIndividual(row) } };
          },
          listIndividuals: async ({ query, person }) => {
            if (person && person.roles.length === 0 && query.externalId !== person.id)
              throw forbidden('A person finds only themself');
            let rows = db.selectFrom('individual').selectAll().where('external_id', '=', query.externalId);
            if (query.externalIdType !== undefined)
              rows = rows.where('external_id_type', '=', query.externalIdType);
            const found = await rows
              .orderBy('id')
              .offset(query.offset ?? 0)
              .limit(query.limit ?? 100)
              .execute();
            return { status: 200, body: { individuals: found.map(toIndividual) } };
          },
          serviceReadDataAgreement: async ({ params }) => {
            const agreement = await findAgreement(db, params.dataAgreementId);
            const revision = toRevision(await findRevision(db, agreement.revision_id));
            return { status: 200, body: { dataAgreement: agreement.body as AgreementInput, revision } };
          },
          draftConsentRecord: async ({ query, caller, person }) => ({
            status: 200,
            body: await draftRecord(db, { caller, person }, query),
          }),
          createConsentRecord: ({ body, caller, person }) =>
            transaction(db, async (trx) => {
              const stored = await submitRecord(
                trx,
                sealer,
                { caller, person },
                body.consentRecord,
                body.signature,
              );
              return {
                status: 200,
                body: {
                  consentRecord: await toView(trx, stored.record),
                  revision: toRevision(stored.revision),
                  signature: stored.signature ?? body.signature,
                },
              };
            }),
          listConsentRecords: async ({ headers, query, caller, person }) => {
            const named = headers['x-consentbb-individualid'];
            if (named === undefined) throw badRequest('X-ConsentBB-IndividualId is required');
            const actor = { caller, person };
            const individual = await findIndividual(db, actor, named);
            const rows = await currentRecords(db, individual.id, query);
            await audit(db, actor, 'consent.list', individual.id);
            return {
              status: 200,
              body: { consentRecords: await Promise.all(rows.map((row) => toView(db, row))) },
            };
          },
          updateConsentRecord: ({ params, body, caller, person }) =>
            transaction(db, async (trx) => {
              const stored = await updateRecord(
                trx,
                sealer,
                { caller, person },
                params.consentRecordId,
                body.consentRecord,
              );
              return {
                status: 200,
                body: {
                  consentRecord: await toView(trx, stored.record),
                  revision: toRevision(stored.revision),
                },
              };
            }),
          createUnsignedConsentRecord: ({ params, query, caller, person }) =>
            transaction(db, async (trx) => {
              const stored = await createUnsigned(
                trx,
                sealer,
                { caller, person },
                { ...query, dataAgreementId: params.dataAgreementId },
              );
              return {
                status: 200,
                body: {
                  consentRecord: await toView(trx, stored.record),
                  revision: toRevision(stored.revision),
                },
              };
            }),
          verifyConsentRecord: async ({ params, caller, person }) => {
            const record = await findRecord(db, params.consentRecordId);
            const view = await toView(db, record);
            await audit(
              db,
              { caller, person },
              'consent.verify',
              record.id,
              view.effective ? 'effective' : 'not effective',
            );
            return {
              status: 200,
              body: { consentRecord: view, revision: toRevision(await findRevision(db, record.revision_id)) },
            };
          },
          verifyConsentRecords: async ({ query, caller, person }) => {
            const rows = isUuid(query.individualId)
              ? await currentRecords(db, query.individualId, query)
              : [];
            await audit(
              db,
              { caller, person },
              'consent.verify',
              isUuid(query.individualId) ? query.individualId : null,
            );
            return {
              status: 200,
              body: { consentRecords: await Promise.all(rows.map((row) => toView(db, row))) },
            };
          },
          auditConsentRecord: async ({ params, caller, person }) => {
            const record = await findRecord(db, params.consentRecordId);
            const revisions = await db
              .selectFrom('revision')
              .selectAll()
              .where('object_id', '=', record.id)
              .orderBy('timestamp')
              .orderBy('id')
              .execute();
            await audit(db, { caller, person }, 'audit.read', record.id);
            return {
              status: 200,
              body: {
                consentRecord: await toView(db, record),
                revisions: revisions.map((row) => toRevision(row)),
                intact: chainIsIntact(sealer, revisions),
              },
            };
          },
        }),
      ],
    };
  },
});
