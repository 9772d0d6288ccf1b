import { badRequest, isApplicationId, isServiceId, newId, notFound, transaction } from '@govstack/platform';
import type { Selectable } from 'kysely';
import { audit } from '../audit/audit.ts';
import type { Payments } from '../payments-context.ts';
import { actorOf } from '../sources/access.ts';
import type { Db, PaymentsTables, Trx } from '../tables.ts';
import { assertMayPropose, hasDecided } from './access.ts';
import type { Officer } from './proposal.ts';

export type Aggregator = Selectable<PaymentsTables['aggregator']>;
export type AggregatorProposal = Selectable<PaymentsTables['aggregator_proposal']>;

export interface AggregatorSettings {
  readonly name: string;
  /** Application that calls for the billers behind it. */
  readonly application: string;
  /** Where all of them are asked and told. */
  readonly service: string;
  readonly active: boolean;
}

/**
 * Proposes an aggregator, or other settings for one. Nothing takes effect before another officer of the treasury
 * approves it: the billers behind it are reached where it is reached.
 */
export function proposeAggregator(
  payments: Payments,
  aggregatorId: string,
  settings: AggregatorSettings,
  officer: Officer,
): Promise<AggregatorProposal> {
  assertMayPropose(payments, payments.treasury, officer.person);
  if (!isApplicationId(settings.application))
    throw badRequest('application must be INSTANCE/CLASS/MEMBER/APPLICATION');
  if (!isServiceId(settings.service))
    throw badRequest('service must be INSTANCE/CLASS/MEMBER/APPLICATION/SERVICE');
  return transaction(payments.db, async (trx) => {
    const proposal = await trx
      .insertInto('aggregator_proposal')
      .values({
        id: newId(),
        aggregator_id: aggregatorId,
        settings: JSON.stringify(settings),
        proposed_by: officer.person.id,
        proposed_by_application: officer.caller.application,
        decided_by: null,
        reason: null,
        decided_at: null,
      })
      .returningAll()
      .executeTakeFirstOrThrow();
    await audit(trx, {
      component: 'billers',
      action: 'propose',
      subject: `aggregator-proposal/${proposal.id}`,
      actor: actorOf(officer.caller, officer.person),
      detail: { aggregatorId, ...settings },
    });
    return proposal;
  });
}

/** Puts what was approved into force, for the billers behind the aggregator as well. */
async function apply(trx: Trx, { aggregator_id: id, settings }: AggregatorProposal): Promise<void> {
  await trx
    .insertInto('aggregator')
    .values({ id, ...settings })
    .onConflict((clash) => clash.column('id').doUpdateSet({ ...settings, updated_at: new Date() }))
    .execute();
  await trx
    .updateTable('biller')
    .set({ application: settings.application, service: settings.service })
    .where('aggregator_id', '=', id)
    .execute();
}

/**
 * Approves or rejects a proposal, by another person than its maker. The same decision again answers the proposal as it
 * is; another one is refused.
 */
export function decideAggregator(
  payments: Payments,
  decision: { readonly id: string; readonly kind: 'approved' | 'rejected'; readonly reason?: string },
  officer: Officer,
): Promise<AggregatorProposal> {
  return transaction(payments.db, async (trx) => {
    const found = await trx
      .selectFrom('aggregator_proposal')
      .selectAll()
      .where('id', '=', decision.id)
      .forUpdate()
      .executeTakeFirst();
    if (!found) throw notFound('Proposal');
    if (hasDecided(payments, found, decision.kind, officer.person)) return found;
    if (decision.kind === 'approved') await apply(trx, found);
    await audit(trx, {
      component: 'billers',
      action: decision.kind === 'approved' ? 'approve' : 'reject',
      subject: `aggregator-proposal/${found.id}`,
      actor: actorOf(officer.caller, officer.person),
      detail: { aggregatorId: found.aggregator_id, reason: decision.reason },
    });
    return trx
      .updateTable('aggregator_proposal')
      .set({
        state: decision.kind,
        decided_by: officer.person.id,
        decided_at: payments.ctx.now(),
        reason: decision.reason ?? null,
      })
      .where('id', '=', found.id)
      .returningAll()
      .executeTakeFirstOrThrow();
  });
}

/** An aggregator; `kept` as it is until the transaction is over. */
export const findAggregator = (db: Db | Trx, id: string, kept = false): Promise<Aggregator | undefined> =>
  db
    .selectFrom('aggregator')
    .selectAll()
    .where('id', '=', id)
    .$if(kept, (query) => query.forShare())
    .executeTakeFirst();

export const listAggregators = (db: Db): Promise<Aggregator[]> =>
  db.selectFrom('aggregator').selectAll().orderBy('id').limit(1000).execute();

/** Proposals, newest first, a page before an id. */
export const listAggregatorProposals = (
  db: Db,
  filter: {
    readonly state: AggregatorProposal['state'] | undefined;
    readonly before: string | undefined;
    readonly limit: number;
  },
): Promise<AggregatorProposal[]> =>
  db
    .selectFrom('aggregator_proposal')
    .selectAll()
    .$if(filter.state !== undefined, (query) => query.where('state', '=', filter.state as 'proposed'))
    .$if(filter.before !== undefined, (query) => query.where('id', '<', filter.before as string))
    .orderBy('id', 'desc')
    .limit(filter.limit)
    .execute();
