import { conflict, newContext, notFound, withContext } from '@govstack/platform';
import { type RawBuilder, sql } from 'kysely';
import type { InstructionState } from '../batches/states.ts';
import type { Payments } from '../payments-context.ts';
import type { RailResult } from '../rails/port.ts';
import { adapterOf, findRail, railContext } from '../rails/registry.ts';
import type { Db } from '../tables.ts';
import { stateAsPayment } from '../vouchers/redemption.ts';
import { applyResults, ofAttempts } from './apply-results.ts';

export interface Unknown {
  /** Of the instruction, or of the redemption when it pays a voucher out. */
  readonly id: string;
  readonly batch_id: string | null;
  readonly voucher_serial: string | null;
  readonly rail_id: string;
  readonly amount: string;
  readonly currency: string;
  readonly state: InstructionState;
  readonly reason_code: string | null;
  readonly first_sent_at: string;
  readonly sends: number;
  readonly asked: number;
  /** Whether a person may decide on evidence by now. */
  readonly decidable: boolean;
}

/**
 * Payments, those of vouchers too, that left longer ago than `olderThanSeconds` and of which nobody has said how they
 * ended, oldest first.
 */
export async function listUnknowns(
  { db, config }: Payments,
  filter: {
    readonly railId?: string;
    readonly olderThanSeconds: number;
    readonly after?: string;
    readonly limit: number;
  },
): Promise<Unknown[]> {
  const { railId = null, after = null, olderThanSeconds, limit } = filter;
  const decidable = (state: RawBuilder<unknown>, sentAt: RawBuilder<unknown>) => sql`
    ${state} = 'unknown' or ${sentAt} < now() - make_interval(
      secs => coalesce(r.answer_within_seconds::float8, ${config.escalateAfterSeconds}::float8))`;
  const { rows } = await sql<Unknown>`
    with open as (
      select instruction_id as id from attempt where state in ('open', 'unknown')
      union
      select i.id
      from sub_batch s
      join instruction i
        on i.batch_id = s.batch_id and i.position between s.first_position and s.last_position
      where s.state <> 'settled' and i.sub_batch_id = s.id and i.state = 'unknown'
    )
    (
      select
        i.id, i.batch_id, null as voucher_serial, i.rail_id, i.amount, i.currency, i.state, i.reason_code,
        a.first_sent_at, a.sends::integer as sends, a.asked::integer as asked,
        ${decidable(sql`i.state`, sql`a.first_sent_at`)} as decidable
      from open
      join carried_payment i on i.id = open.id and i.state in ('submitted', 'unknown')
      join rail r on r.id = i.rail_id
      join lateral (
        select min(t.sent_at) as first_sent_at, count(*) as sends, sum(t.checks) as asked
        from attempt t
        where t.instruction_id = i.id
      ) a on a.first_sent_at < now() - make_interval(secs => ${olderThanSeconds})
      where i.rail_id = coalesce(${railId}, i.rail_id)
        and (${after}::uuid is null or i.id > ${after}::uuid)
      order by i.id
      limit ${limit}
    )
    union all
    (
      select
        d.id, null, v.serial, d.rail_id, d.amount, d.currency, ${stateAsPayment}, d.reason_code, d.sent_at, d.sends,
        d.checks, ${decidable(stateAsPayment, sql`d.sent_at`)}
      from voucher_redemption d
      join rail r on r.id = d.rail_id
      join voucher v on v.id = d.voucher_id
      where d.state in ('sent', 'unknown')
        and d.sent_at < now() - make_interval(secs => ${olderThanSeconds})
        and d.rail_id = coalesce(${railId}, d.rail_id)
        and (${after}::uuid is null or d.id > ${after}::uuid)
      order by d.id
      limit ${limit}
    )
    order by id
    limit ${limit}`.execute(db);
  return rows;
}

/** Whom to ask about a payment, and how it stands. */
interface Out {
  readonly state: InstructionState;
  readonly rail_id: string;
  readonly correlation_id: string;
  readonly of_voucher: boolean;
  /** Under which it was sent: its id, or that of the first of combined ones. */
  readonly reference: string;
  /** Of its last sending; null for a voucher's payment. */
  readonly number: number | null;
  /** It may not have reached the rail yet. */
  readonly under_way: boolean;
}

async function readOut(db: Db, id: string): Promise<Out> {
  const { rows } = await sql<Out>`
    select
      i.state, i.rail_id, i.correlation_id, false as of_voucher, coalesce(k.leader_id, i.id) as reference, a.number,
      coalesce(a.state = 'open' and a.checks = 0 and a.next_check_at > now(), false) as under_way
    from instruction i
    left join combined_instruction k on k.instruction_id = i.id
    left join lateral (
      select t.number, t.state, t.checks, t.next_check_at
      from attempt t
      where t.instruction_id = coalesce(k.leader_id, i.id)
      order by t.number desc
      limit 1
    ) a on true
    where i.id = ${id}
    union all
    select ${stateAsPayment}, d.rail_id, d.correlation_id, true, d.id, null, false
    from voucher_redemption d
    where d.id = ${id}`.execute(db);
  if (!rows[0]) throw notFound('Instruction');
  return rows[0];
}

/**
 * Asks the rail now what became of a payment, a run's or a voucher's, without waiting for the time at which it would be
 * asked anyway. Answers what the rail says and the state that follows; 409 for a payment that is not out. That the rail does
 * not know a payment that is only being sent has no effect.
 */
export async function askNow(
  payments: Payments,
  id: string,
): Promise<{ readonly said: RailResult['outcome']; readonly state: InstructionState }> {
  const { db } = payments;
  const found = await readOut(db, id);
  if (found.state !== 'submitted' && found.state !== 'unknown')
    throw conflict(`The payment is ${found.state}; its rail is asked about payments that are out`);
  const rail = await findRail(db, found.rail_id);
  if (!rail) throw notFound('Rail');
  const { reference, number } = found;
  const adapter = found.of_voucher ? payments.payoutAdapter(rail) : adapterOf(rail);
  const results = await withContext(newContext({ correlationId: found.correlation_id }), () =>
    adapter.status(railContext(payments, rail), [reference]).catch((error: unknown): RailResult[] => {
      payments.ctx.log.warn({ err: error, rail: rail.id }, 'the rail does not answer about a transfer');
      return [{ reference, outcome: 'unknown', reasonCode: 'no-answer' }];
    }),
  );
  const said = results.find((result) => result.reference === reference)?.outcome ?? 'unknown';
  if (!(found.under_way && said === 'not-received'))
    await applyResults(
      payments,
      rail.id,
      number === null ? results : ofAttempts(results, new Map([[reference, number]])),
      'poll',
    );
  const { state } = await readOut(db, id);
  return { said, state };
}
