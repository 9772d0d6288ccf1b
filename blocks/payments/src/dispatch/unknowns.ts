import { conflict, newContext, notFound, withContext } from '@govstack/platform';
import { sql } from 'kysely';
import type { InstructionState } from '../batches/states.ts';
import type { Payments } from '../payments-context.ts';
import type { RailResult } from '../rails/port.ts';
import { adapterOf, findRail, railContext } from '../rails/registry.ts';
import type { Db } from '../tables.ts';
import { applyResults, ofAttempts } from './apply-results.ts';

export interface Unknown {
  readonly id: string;
  readonly batch_id: string;
  readonly rail_id: string;
  readonly amount: string;
  readonly currency: string;
  readonly state: InstructionState;
  readonly reason_code: string | null;
  readonly first_sent_at: string;
  readonly sends: number;
  readonly asked: number;
}

/** Payments that left longer ago than `olderThanSeconds` and of which nobody has said how they ended, oldest first. */
export async function listUnknowns(
  db: Db,
  filter: {
    readonly railId?: string;
    readonly olderThanSeconds: number;
    readonly after?: string;
    readonly limit: number;
  },
): Promise<Unknown[]> {
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
    select
      i.id, i.batch_id, i.rail_id, i.amount, i.currency, i.state, i.reason_code,
      a.first_sent_at, a.sends::integer as sends, a.asked::integer as asked
    from open
    join carried_payment i on i.id = open.id and i.state in ('submitted', 'unknown')
    join lateral (
      select min(t.sent_at) as first_sent_at, count(*) as sends, sum(t.checks) as asked
      from attempt t
      where t.instruction_id = i.id
    ) a on a.first_sent_at < now() - make_interval(secs => ${filter.olderThanSeconds})
    where i.rail_id = coalesce(${filter.railId ?? null}, i.rail_id)
      and (${filter.after ?? null}::uuid is null or i.id > ${filter.after ?? null}::uuid)
    order by i.id
    limit ${filter.limit}`.execute(db);
  return rows;
}

interface Out {
  state: InstructionState;
  rail_id: string;
  correlation_id: string;
  /** Under which it was sent: its id, or that of the first of combined ones. */
  reference: string;
  /** Of its last sending. */
  number: number;
  /** It may not have reached the rail yet. */
  under_way: boolean;
}

/**
 * Asks the rail now what became of a payment, without waiting for the time at which it would be asked anyway. Answers
 * what the rail says and the state that follows; 409 for a payment that is not out. That the rail does not know a payment
 * that is only being sent has no effect.
 */
export async function askNow(
  payments: Payments,
  instructionId: string,
): Promise<{ readonly said: RailResult['outcome']; readonly state: InstructionState }> {
  const { db } = payments;
  const { rows } = await sql<Out>`
    select
      i.state, i.rail_id, i.correlation_id, coalesce(k.leader_id, i.id) as reference, a.number,
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
    where i.id = ${instructionId}`.execute(db);
  const [found] = rows;
  if (!found) throw notFound('Instruction');
  if (found.state !== 'submitted' && found.state !== 'unknown')
    throw conflict(`The payment is ${found.state}; its rail is asked about payments that are out`);
  const rail = await findRail(db, found.rail_id);
  if (!rail) throw notFound('Rail');
  const { reference } = found;
  const results = await withContext(newContext({ correlationId: found.correlation_id }), () =>
    adapterOf(rail)
      .status(railContext(payments, rail), [reference])
      .catch((error: unknown): RailResult[] => {
        payments.ctx.log.warn({ err: error, rail: rail.id }, 'the rail does not answer about a transfer');
        return [{ reference, outcome: 'unknown', reasonCode: 'no-answer' }];
      }),
  );
  const said = results.find((result) => result.reference === reference)?.outcome ?? 'unknown';
  if (!(found.under_way && said === 'not-received'))
    await applyResults(payments, rail.id, ofAttempts(results, new Map([[reference, found.number]])), 'poll');
  const { state } = await db
    .selectFrom('instruction')
    .select('state')
    .where('id', '=', instructionId)
    .executeTakeFirstOrThrow();
  return { said, state };
}
