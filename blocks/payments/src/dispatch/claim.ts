import { type RawBuilder, sql } from 'kysely';
import type { Calendar } from '../api/admin/calendar.ts';
import type { Payments } from '../payments-context.ts';
import { isOpen } from '../rails/calendar.ts';
import { sendingSeconds } from '../rails/registry.ts';
import type { Trx } from '../tables.ts';

export interface Claimed {
  id: string;
  batch_id: string;
  rail_id: string;
  currency: string;
  funding_account: string;
  correlation_id: string;
}

interface Ready {
  id: string;
  adapter: string;
  concurrency: number;
  calendar: Calendar | null;
  transfers_per_second: number | null;
  faults: number;
  /** Runs with something to send there, the next one first. */
  runs: string[];
}

/** Runs of which one rail's claim looks at; more workers than that never take from one rail at the same moment. */
const runsAtOnce = 64;

/** What may leave now: waits for its rail, and its time has come… */
const due = sql`w.state = 'queued' and w.next_at <= now()`;
/** …and its run neither pauses nor was stopped. */
const payable = sql`wb.dispatch_paused_at is null and wb.stopped_at is null`;

/**
 * Each run that has something to send to a rail now, with its sub-batch that has waited longest. The index leads from run
 * to run and to the first of each, so that it costs as much as there are runs, however many sub-batches they have.
 */
const waitingAt = (rail: RawBuilder<unknown>): RawBuilder<unknown> => sql`
  with recursive run as (
    (
      select w.batch_id
      from sub_batch w
      where w.state = 'queued' and w.rail_id = ${rail}
      order by w.batch_id
      limit 1
    )
    union all
    select next.batch_id
    from run
    cross join lateral (
      select w.batch_id
      from sub_batch w
      where w.state = 'queued' and w.rail_id = ${rail} and w.batch_id > run.batch_id
      order by w.batch_id
      limit 1
    ) next
  )
  select run.batch_id, wb.priority, first.turn, first.next_at
  from run
  join batch wb on wb.id = run.batch_id and ${payable}
  cross join lateral (
    select w.turn, w.next_at
    from sub_batch w
    where ${due} and w.rail_id = ${rail} and w.batch_id = run.batch_id
    order by w.next_at, w.position
    limit 1
  ) first`;

/** The rail has rate left, and does not rest after faults; one that did rest is tried by one sub-batch at a time. */
const passable = sql`
  t.next_at <= now()
  and (t.rest_until is null or t.rest_until <= now())
  and (t.faults = 0 or t.probe_until is null or t.probe_until <= now())`;

/**
 * The turn of a new run's first sub-batch at a rail: that of what would leave next. Runs that wait for a rail alternate
 * from then on, so that a small one is not kept waiting by a huge one, nor a huge one by many small ones.
 */
export const firstTurn = (railId: string): RawBuilder<string> => sql<string>`coalesce((
  select min(waiting.turn) from (${waitingAt(sql`${railId}::text`)}) waiting
), 0)`;

/** Rails with something to send that may be sent to now: those with urgent payments first, the others in any order. */
async function readyRails(trx: Trx, blocked: readonly string[], now: Date): Promise<Ready[]> {
  const { rows } = await sql<Ready>`
    select
      r.id, r.adapter, r.concurrency, r.calendar, r.transfers_per_second, t.faults,
      (array_agg(waiting.batch_id
        order by waiting.priority desc, waiting.turn, waiting.next_at, waiting.batch_id))[1:${sql.lit(runsAtOnce)}] as runs
    from rail r
    join rail_traffic t on t.rail_id = r.id
    cross join lateral (${waitingAt(sql`r.id`)}) waiting
    where r.active
      and r.id <> all (${blocked}::text[])
      and ${passable}
    group by r.id, t.rail_id
    order by max(waiting.priority) desc, random()`.execute(trx);
  return rows.filter((rail) => isOpen(rail.calendar, now));
}

/** Holds a rail that is counted or on probation until the claim is committed; false when another worker holds it. */
async function pass(trx: Trx, rail: Ready): Promise<boolean> {
  const { rows } = await sql`
    select
    from rail_traffic t
    where t.rail_id = ${rail.id} and ${passable}
    for update skip locked`.execute(trx);
  return rows.length > 0;
}

type Counted = Claimed & { instruction_count: number };

/** Takes what of a run has waited longest for a rail and no other worker is taking. */
async function claimOf(trx: Trx, railId: string, batchId: string): Promise<Counted | undefined> {
  const { rows } = await sql<Counted>`
    update sub_batch s
    set state = 'sent', sends = s.sends + 1
    from batch b
    join programme p on p.source_id = b.source_id and p.id = b.programme_id
    where b.id = s.batch_id
      and s.id = (
        select w.id
        from sub_batch w
        join batch wb on wb.id = w.batch_id and ${payable}
        where ${due} and w.rail_id = ${railId} and w.batch_id = ${batchId}
        order by w.next_at, w.position
        limit 1
        for update of w skip locked
      )
    returning
      s.id, s.batch_id, s.rail_id, b.currency, p.funding_account, b.correlation_id, s.instruction_count`.execute(
    trx,
  );
  return rows[0];
}

async function claimFrom(trx: Trx, rail: Ready): Promise<Counted | undefined> {
  for (const batchId of rail.runs) {
    const claimed = await claimOf(trx, rail.id, batchId);
    if (claimed) return claimed;
  }
  return undefined;
}

/** Of a claimed sub-batch nothing is sent after all: the rail's probation goes on with the next one. */
export const nothingSent = async (trx: Trx, railId: string): Promise<void> => {
  await sql`
    update rail_traffic
    set probe_until = null
    where rail_id = ${railId} and probe_until is not null`.execute(trx);
};

/**
 * Takes the next sub-batch that may leave (PAY-6.1-i, PAY-6.9-d): by its rail's opening hours, rate and circuit breaker,
 * which all nodes share; urgent runs before others, and runs of one priority in turns.
 */
export async function claim(
  payments: Payments,
  trx: Trx,
  blocked: readonly string[],
): Promise<Claimed | undefined> {
  for (const rail of await readyRails(trx, blocked, payments.ctx.now())) {
    const counted = rail.transfers_per_second !== null || rail.faults > 0;
    if (counted && !(await pass(trx, rail))) continue;
    const claimed = await claimFrom(trx, rail);
    if (!claimed) continue;
    if (counted)
      await sql`
        update rail_traffic
        set next_at = now() + make_interval(
              secs => ${claimed.instruction_count}::float8 / coalesce(${rail.transfers_per_second}::float8, 'infinity')),
            probe_until = case
              when faults > 0 then now() + make_interval(
                secs => ${sendingSeconds(payments, rail, claimed.instruction_count) + 10})
            end
        where rail_id = ${rail.id}`.execute(trx);
    return claimed;
  }
  return undefined;
}
