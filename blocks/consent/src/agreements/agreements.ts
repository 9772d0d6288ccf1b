import { badRequest, memberOf, newId, notFound } from '@govstack/platform';
import type { Static } from '@govstack/platform/operation';
import type { Kysely, Transaction } from 'kysely';
import type { DataAgreement, Policy } from '../api/operations.ts';
import { type Actor, audit, authorOf } from '../audit/audit.ts';
import { appendRevision } from '../revisions/revision.ts';
import type { Sealer } from '../revisions/sealer.ts';
import type { AgreementRow, ConsentTables, PolicyRow, RevisionRow } from '../tables.ts';

export type PolicyInput = Static<typeof Policy>;
export type AgreementInput = Static<typeof DataAgreement>;

const isUuid = (value: string): boolean => /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/i.test(value);

/** Objects are written only by applications of the member that made them. */
const owns = (actor: Actor, row: { owner: string }): boolean =>
  memberOf(actor.caller.application) === row.owner;

export async function findPolicy(db: Kysely<ConsentTables>, id: string): Promise<PolicyRow> {
  const row = isUuid(id)
    ? await db
        .selectFrom('policy')
        .selectAll()
        .where('id', '=', id)
        .where('deleted', '=', false)
        .executeTakeFirst()
    : undefined;
  if (!row) throw notFound('Policy');
  return row;
}

export async function findAgreement(db: Kysely<ConsentTables>, id: string): Promise<AgreementRow> {
  const row = isUuid(id)
    ? await db.selectFrom('data_agreement').selectAll().where('id', '=', id).executeTakeFirst()
    : undefined;
  if (!row) throw notFound('Data agreement');
  return row;
}

export async function findRevision(db: Kysely<ConsentTables>, id: string): Promise<RevisionRow> {
  const row = isUuid(id)
    ? await db.selectFrom('revision').selectAll().where('id', '=', id).executeTakeFirst()
    : undefined;
  if (!row) throw notFound('Revision');
  return row;
}

export async function savePolicy(
  trx: Transaction<ConsentTables>,
  sealer: Sealer,
  actor: Actor,
  input: PolicyInput,
  id?: string,
): Promise<{ policy: PolicyInput; revision: RevisionRow }> {
  const existing = id === undefined ? undefined : await findPolicy(trx, id);
  if (existing && !owns(actor, existing)) throw notFound('Policy');
  const policyId = existing?.id ?? newId();
  const policy = { ...input, id: policyId };
  const revision = await appendRevision(trx, sealer, {
    id: newId(),
    schemaName: 'Policy',
    objectId: policyId,
    objectData: policy,
    author: authorOf(actor),
    at: new Date(),
    ...(existing ? { predecessorId: existing.revision_id } : {}),
  });
  const body = JSON.stringify(policy);
  if (existing) {
    await trx
      .updateTable('policy')
      .set({ body, revision_id: revision.id })
      .where('id', '=', policyId)
      .execute();
  } else {
    const owner = memberOf(actor.caller.application);
    await trx
      .insertInto('policy')
      .values({ id: policyId, owner, body, revision_id: revision.id, deleted: false })
      .execute();
  }
  await audit(trx, actor, existing ? 'policy.update' : 'policy.create', policyId);
  return { policy, revision };
}

export async function deletePolicy(
  trx: Transaction<ConsentTables>,
  actor: Actor,
  id: string,
): Promise<RevisionRow> {
  const policy = await findPolicy(trx, id);
  if (!owns(actor, policy)) throw notFound('Policy');
  const used = await trx
    .selectFrom('data_agreement')
    .select('id')
    .where('policy_id', '=', policy.id)
    .where('active', '=', true)
    .executeTakeFirst();
  if (used) throw badRequest('The policy is used by an active data agreement');
  await trx.updateTable('policy').set({ deleted: true }).where('id', '=', policy.id).execute();
  await audit(trx, actor, 'policy.delete', policy.id);
  return findRevision(trx, policy.revision_id);
}

/** Creates or changes an agreement. The revision embeds policy and attributes: what the person saw can be rebuilt. */
export async function saveAgreement(
  trx: Transaction<ConsentTables>,
  sealer: Sealer,
  actor: Actor,
  input: AgreementInput,
  id?: string,
): Promise<{ dataAgreement: AgreementInput; revision: RevisionRow }> {
  const existing = id === undefined ? undefined : await findAgreement(trx, id);
  if (existing && !owns(actor, existing)) throw notFound('Data agreement');
  const { policy: _embedded, policyId, ...rest } = input;
  const policy = policyId === undefined ? undefined : await findPolicy(trx, policyId);
  if (policy && !owns(actor, policy)) throw notFound('Policy');
  const agreementId = existing?.id ?? newId();
  const dataAgreement: AgreementInput = {
    ...rest,
    id: agreementId,
    lawfulBasis: input.lawfulBasis.toLowerCase(),
    active: input.active ?? true,
    ...(policy ? { policyId: policy.id, policy: policy.body as PolicyInput } : {}),
  };
  const revision = await appendRevision(trx, sealer, {
    id: newId(),
    schemaName: 'DataAgreement',
    objectId: agreementId,
    objectData: dataAgreement,
    author: authorOf(actor),
    at: new Date(),
    ...(existing ? { predecessorId: existing.revision_id } : {}),
  });
  const columns = {
    policy_id: policy?.id ?? null,
    body: JSON.stringify(dataAgreement),
    active: dataAgreement.active ?? true,
    revision_id: revision.id,
  };
  if (existing) await trx.updateTable('data_agreement').set(columns).where('id', '=', agreementId).execute();
  else {
    await trx
      .insertInto('data_agreement')
      .values({ id: agreementId, owner: memberOf(actor.caller.application), ...columns })
      .execute();
  }
  await audit(trx, actor, existing ? 'data-agreement.update' : 'data-agreement.create', agreementId);
  return { dataAgreement, revision };
}

/** Terminates an agreement: a last revision says so; records stay for proof. */
export async function terminateAgreement(
  trx: Transaction<ConsentTables>,
  sealer: Sealer,
  actor: Actor,
  id: string,
): Promise<RevisionRow> {
  const agreement = await findAgreement(trx, id);
  if (!agreement.active) return findRevision(trx, agreement.revision_id);
  const body = agreement.body as AgreementInput;
  return (await saveAgreement(trx, sealer, actor, { ...body, active: false }, id)).revision;
}
