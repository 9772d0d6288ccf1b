import { type Caller, conflict, notFound, type Person, transaction } from '@govstack/platform';
import { sql } from 'kysely';
import { audit } from '../audit/audit.ts';
import { leadersOf } from '../batches/combine.ts';
import type { Payments } from '../payments-context.ts';
import { actorOf } from '../sources/access.ts';
import type { Trx } from '../tables.ts';
import { stateAsPayment } from '../vouchers/redemption.ts';
import { openCases } from './cases.ts';
import { type Case, resolveWithin } from './resolve.ts';

interface Out {
  state: string;
  /** Null: the payment of a voucher. */
  batch_id: string | null;
  rail_id: string;
  subject: string;
  old: boolean;
}

async function readOut(payments: Payments, trx: Trx, id: string): Promise<Out> {
  const patience = sql`make_interval(
    secs => coalesce(r.answer_within_seconds::float8, ${payments.config.escalateAfterSeconds}::float8))`;
  const { rows } = await sql<Out>`
    select
      i.state, i.batch_id, i.rail_id, 'instruction/' || i.id as subject,
      exists (
        select from attempt a
        where a.instruction_id = coalesce(
            (select k.leader_id from combined_instruction k where k.instruction_id = i.id), i.id)
          and a.sent_at < now() - ${patience}
      ) as old
    from instruction i
    join rail r on r.id = i.rail_id
    where i.id = ${id} and i.purpose = 'payment'
    union all
    select ${stateAsPayment}, null, d.rail_id, 'voucher/' || v.serial, d.sent_at < now() - ${patience}
    from voucher_redemption d
    join voucher v on v.id = d.voucher_id
    join rail r on r.id = d.rail_id
    where d.id = ${id}`.execute(trx);
  const [found] = rows;
  if (!found) throw notFound('Instruction');
  return found;
}

/**
 * Decides on evidence what became of a payment, of a run or of a voucher, that nobody can tell about, whether or not its
 * case is open. Only one that is unknown, or silent for longer than its rail may be (409 otherwise). What was decided
 * stays as a case. Payments that left as one are decided as one.
 */
export async function decideUnknown(
  payments: Payments,
  asked: string,
  finding: {
    readonly outcome: 'paid' | 'not-paid';
    readonly evidence: string;
    readonly caller: Caller;
    readonly person: Person;
  },
): Promise<Case> {
  const decided = await transaction(payments.db, async (trx) => {
    const found = await readOut(payments, trx, asked);
    const id = (await leadersOf(trx, [asked])).get(asked) ?? asked;
    if (!(found.state === 'unknown' || (found.state === 'submitted' && found.old)))
      throw conflict(`The payment is ${found.state}; only one of unknown outcome is decided`);
    const open = () =>
      trx
        .selectFrom('payment_case')
        .select('id')
        .where('kind', '=', 'unknown-too-long')
        .where('instruction_id', '=', id)
        .where('state', '=', 'open')
        .executeTakeFirst();
    if (!(await open()))
      await openCases(trx, [
        {
          kind: 'unknown-too-long',
          key: `${id}/decision`,
          ...(found.batch_id === null ? {} : { batchId: found.batch_id }),
          instructionId: id,
          railId: found.rail_id,
          detail: 'The outcome of this payment was found out outside and decided',
        },
      ]);
    const known = await open();
    if (!known) throw conflict('This payment was decided before');
    await audit(trx, {
      component: 'runs',
      action: 'decide-unknown',
      subject: found.subject,
      actor: actorOf(finding.caller, finding.person),
      detail: { outcome: finding.outcome },
    });
    return resolveWithin(payments, trx, known.id, { ...finding, note: finding.evidence });
  });
  payments.wake();
  return decided;
}
