import { type Caller, conflict, notFound, type Person, transaction } from '@govstack/platform';
import type { Selectable } from 'kysely';
import { sql } from 'kysely';
import { audit } from '../audit/audit.ts';
import { applyResults } from '../dispatch/apply-results.ts';
import type { Payments } from '../payments-context.ts';
import { railInUse, sendingSeconds } from '../rails/registry.ts';
import { actorOf } from '../sources/access.ts';
import type { Db, PaymentsTables, Trx } from '../tables.ts';

export type Case = Selectable<PaymentsTables['payment_case']>;

/** Cases, newest first, a page before a case id. */
export function listCases(
  db: Db,
  filter: {
    readonly state?: 'open' | 'resolved';
    readonly batchId?: string;
    readonly before?: string;
    readonly limit: number;
  },
): Promise<Case[]> {
  return db
    .selectFrom('payment_case')
    .selectAll()
    .$if(filter.state !== undefined, (query) => query.where('state', '=', filter.state as 'open'))
    .$if(filter.batchId !== undefined, (query) => query.where('batch_id', '=', filter.batchId as string))
    .$if(filter.before !== undefined, (query) => query.where('id', '<', filter.before as string))
    .orderBy('id', 'desc')
    .limit(filter.limit)
    .execute();
}

async function assertFailed(trx: Trx, instructionId: string | null): Promise<void> {
  const payment = await trx
    .selectFrom('instruction')
    .select('state')
    .where('id', '=', instructionId)
    .executeTakeFirst();
  if (payment?.state !== 'failed')
    throw conflict('Only a payment that is failed can be found not paid; acknowledge this case');
}

/**
 * Throws a 409 while the payment is being sent again: what somebody found out is about an earlier sending. Nothing of its
 * sub-batch is sent until the transaction ends.
 */
async function assertNotBeingSent(
  payments: Payments,
  trx: Trx,
  railId: string,
  instructionId: string,
): Promise<void> {
  const rail = await railInUse(trx, railId);
  await sql`
    select s.id
    from sub_batch s
    where s.id = (select i.sub_batch_id from instruction i where i.id = ${instructionId})
    for update`.execute(trx);
  const { rows } = await sql`
    select
    from attempt a
    where a.instruction_id = coalesce(
        (select k.leader_id from combined_instruction k where k.instruction_id = ${instructionId}), ${instructionId})
      and a.number > 1
      and a.state = 'open'
      and a.checks = 0
      and a.sent_at > now() - make_interval(
        secs => ${sendingSeconds(payments, rail, rail.batch_size)}::float8)`.execute(trx);
  if (rows.length > 0)
    throw conflict('The payment is being sent again at this moment; its rail is asked first');
}

interface Finding {
  readonly outcome: 'paid' | 'not-paid' | 'acknowledged';
  readonly note: string;
  readonly caller: Caller;
  readonly person: Person;
}

/** The same as `resolveCase`, in a transaction of the caller's. */
export async function resolveWithin(
  payments: Payments,
  trx: Trx,
  id: string,
  finding: Finding,
): Promise<Case> {
  const found = await trx
    .selectFrom('payment_case')
    .selectAll()
    .where('id', '=', id)
    .forUpdate()
    .executeTakeFirst();
  if (!found) throw notFound('Case');
  const contradicted = found.kind === 'contradiction' && finding.outcome === 'not-paid';
  // That it was looked at does not say what was found; somebody still may.
  if (found.state === 'resolved' && !(contradicted && found.outcome === 'acknowledged'))
    throw conflict('The case is resolved');
  if (contradicted) await assertFailed(trx, found.instruction_id);
  else if (finding.outcome !== 'acknowledged') {
    if (found.kind !== 'unknown-too-long' || found.instruction_id === null || found.rail_id === null)
      throw conflict('Only a payment of unknown outcome can be decided; acknowledge this case');
    await assertNotBeingSent(payments, trx, found.rail_id, found.instruction_id);
    const outcome = finding.outcome === 'paid' ? ('succeeded' as const) : ('failed' as const);
    await applyResults(
      payments,
      found.rail_id,
      [{ reference: found.instruction_id, outcome, reasonCode: 'decided-by-operator' }],
      'operator',
      trx,
    );
  }
  await audit(trx, {
    component: 'cases',
    action: finding.outcome,
    subject: `case/${id}`,
    actor: actorOf(finding.caller, finding.person),
    detail: { kind: found.kind, batch: found.batch_id, instruction: found.instruction_id },
  });
  return trx
    .updateTable('payment_case')
    .set({
      state: 'resolved',
      resolved_at: payments.ctx.now(),
      resolved_by: actorOf(finding.caller, finding.person),
      outcome: finding.outcome,
      note: finding.note,
    })
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirstOrThrow();
}

/**
 * Closes a case with a person's finding. For a payment whose outcome no rail can tell, `paid` or `not-paid` decides it
 * on evidence from outside; it takes effect as any other result does, so a final state is not overwritten. For a failed
 * payment that was said to be made, `not-paid` says that it was not: it may be paid anew.
 */
export async function resolveCase(payments: Payments, id: string, finding: Finding): Promise<Case> {
  const resolved = await transaction(payments.db, (trx) => resolveWithin(payments, trx, id, finding));
  payments.wake();
  return resolved;
}
