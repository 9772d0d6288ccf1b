import { conflict, newContext, notFound, withContext } from '@govstack/platform';
import { sql } from 'kysely';
import type { InstructionState } from '../batches/states.ts';
import type { Payments } from '../payments-context.ts';
import type { RailResult } from '../rails/port.ts';
import { adapterOf, findRail, railContext } from '../rails/registry.ts';
import { applyResults } from './apply-results.ts';

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
  /** Whether a person may decide on evidence by now. */
  readonly decidable: boolean;
}

/** Payments that left longer ago than `olderThanSeconds` and of which nobody has said how they ended, oldest first. */
export async function listUnknowns(
  { db, config }: Payments,
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
      a.first_sent_at, a.sends::integer as sends, a.asked::integer as asked,
      i.state = 'unknown' or a.first_sent_at < now() - make_interval(
        secs => coalesce(r.answer_within_seconds::float8, ${config.escalateAfterSeconds}::float8)) as decidable
    from open
    join instruction i on i.id = open.id and i.state in ('submitted', 'unknown')
    join rail r on r.id = i.rail_id
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

/**
 * Asks the rail now what became of a payment, without waiting for the time at which it would be asked anyway. Answers
 * what the rail says and the state that follows; 409 for a payment that is not out.
 */
export async function askNow(
  payments: Payments,
  instructionId: string,
): Promise<{ readonly said: RailResult['outcome']; readonly state: InstructionState }> {
  const { db } = payments;
  const found = await db
    .selectFrom('instruction')
    .select(['state', 'rail_id', 'correlation_id'])
    .where('id', '=', instructionId)
    .executeTakeFirst();
  if (!found) throw notFound('Instruction');
  if (found.state !== 'submitted' && found.state !== 'unknown')
    throw conflict(`The payment is ${found.state}; its rail is asked about payments that are out`);
  const rail = await findRail(db, found.rail_id as string);
  if (!rail) throw notFound('Rail');
  const results = await withContext(newContext({ correlationId: found.correlation_id }), () =>
    adapterOf(rail)
      .status(railContext(payments, rail), [instructionId])
      .catch((error: unknown): RailResult[] => {
        payments.ctx.log.warn({ err: error, rail: rail.id }, 'the rail does not answer about a transfer');
        return [{ reference: instructionId, outcome: 'unknown', reasonCode: 'no-answer' }];
      }),
  );
  await applyResults(payments, rail.id, results, 'poll');
  const { state } = await db
    .selectFrom('instruction')
    .select('state')
    .where('id', '=', instructionId)
    .executeTakeFirstOrThrow();
  const said = results.find((result) => result.reference === instructionId)?.outcome ?? 'unknown';
  return { said, state };
}
