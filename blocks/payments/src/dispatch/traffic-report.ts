import { sql } from 'kysely';
import type { Calendar } from '../api/admin/calendar.ts';
import type { Payments } from '../payments-context.ts';
import { isOpen } from '../rails/calendar.ts';

interface Row {
  rail_id: string;
  active: boolean;
  calendar: Calendar | null;
  faults: number;
  resting: boolean;
  rest_until: string | null;
  waiting: string;
  waiting_sub_batches: string;
  out: string;
  unknown: string;
  oldest_out_at: string | null;
}

export interface TrafficReport {
  readonly railId: string;
  readonly active: boolean;
  /** Whether its calendar lets payments leave now. */
  readonly open: boolean;
  /** `closed` lets all through, `open` nothing, `half-open` one sub-batch that tries it. */
  readonly circuit: 'closed' | 'open' | 'half-open';
  readonly faults: number;
  readonly restUntil: string | undefined;
  readonly waiting: number;
  readonly waitingSubBatches: number;
  readonly out: number;
  readonly unknown: number;
  readonly oldestOutAt: string | undefined;
}

/** How things stand at each rail, over all nodes. */
export async function trafficReport(payments: Payments): Promise<TrafficReport[]> {
  const { rows } = await sql<Row>`
    select
      r.id as rail_id, r.active, r.calendar,
      t.faults, coalesce(t.rest_until > now(), false) as resting, t.rest_until,
      q.waiting, q.waiting_sub_batches, o.out, u.unknown, o.oldest_out_at
    from rail r
    join rail_traffic t on t.rail_id = r.id
    cross join lateral (
      select coalesce(sum(s.instruction_count), 0) as waiting, count(*) as waiting_sub_batches
      from sub_batch s
      where s.rail_id = r.id and s.state = 'queued'
    ) q
    cross join lateral (
      select count(*) as out, min(sent_at) as oldest_out_at
      from (
        select a.sent_at from attempt a where a.rail_id = r.id and a.state in ('open', 'unknown')
        union all
        select d.sent_at from voucher_redemption d where d.rail_id = r.id and d.state in ('sent', 'unknown')
      ) sent
    ) o
    cross join lateral (
      select
        (select count(*)
         from sub_batch s
         join instruction i
           on i.batch_id = s.batch_id and i.position between s.first_position and s.last_position
         where s.rail_id = r.id and s.state <> 'settled' and i.sub_batch_id = s.id and i.state = 'unknown')
        + (select count(*) from voucher_redemption d where d.rail_id = r.id and d.state = 'unknown') as unknown
    ) u
    order by r.id
    limit 1000`.execute(payments.db);
  return rows.map((row) => ({
    railId: row.rail_id,
    active: row.active,
    open: isOpen(row.calendar, payments.ctx.now()),
    circuit: row.resting ? 'open' : row.faults > 0 ? 'half-open' : 'closed',
    faults: row.faults,
    restUntil: row.resting ? (row.rest_until ?? undefined) : undefined,
    waiting: Number(row.waiting),
    waitingSubBatches: Number(row.waiting_sub_batches),
    out: Number(row.out),
    unknown: Number(row.unknown),
    oldestOutAt: row.oldest_out_at ?? undefined,
  }));
}
