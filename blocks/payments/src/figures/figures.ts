import { sql } from 'kysely';
import type { InstructionState } from '../batches/states.ts';
import type { Scope } from '../sources/scope.ts';
import type { Db } from '../tables.ts';

export interface Failure {
  readonly state: InstructionState;
  readonly reason_code: string | null;
  readonly rail_id: string | null;
  readonly count: string;
  readonly amount: string;
}

/** What of a run was not paid, by reason and rail. Amounts in minor units. */
export async function failuresOf(db: Db, batchId: string): Promise<Failure[]> {
  const { rows } = await sql<Failure>`
    select state, reason_code, rail_id, count(*) as count, sum(amount) as amount
    from instruction
    where batch_id = ${batchId} and state in ('rejected', 'failed', 'returned', 'cancelled')
    group by state, reason_code, rail_id
    order by count(*) desc, reason_code, rail_id, state
    limit 200`.execute(db);
  return rows;
}

export interface FigureRow {
  readonly period: string;
  readonly source_id: string;
  readonly programme_id: string;
  readonly rail_id: string | null;
  readonly state: InstructionState;
  readonly currency: string;
  readonly count: string;
  readonly amount: string;
}

/** Payments of a scope by the day or month in which their run was handed over. Amounts in minor units. */
export async function figuresOf(
  db: Db,
  of: {
    readonly interval: 'day' | 'month';
    readonly from: Date;
    readonly to: Date;
    readonly scope: Scope;
    readonly sourceId: string | undefined;
    readonly programmeId: string | undefined;
  },
): Promise<FigureRow[]> {
  const all = sql`true`;
  const { scope } = of;
  const { rows } = await sql<FigureRow>`
    select
      to_char(date_trunc(${of.interval}, b.created_at at time zone 'UTC'), 'YYYY-MM-DD') as period,
      b.source_id, b.programme_id, i.rail_id, i.state, i.currency, count(*) as count, sum(i.amount) as amount
    from batch b
    join instruction i on i.batch_id = b.id
    where b.purpose = 'payment' and b.created_at >= ${of.from} and b.created_at < ${of.to}
      and ${scope.sourceId === undefined ? all : sql`b.source_id = ${scope.sourceId}`}
      and ${
        scope.agency === undefined
          ? all
          : sql`exists (
            select from programme p
            where p.source_id = b.source_id and p.id = b.programme_id and p.agency = ${scope.agency}
          )`
      }
      and ${of.sourceId === undefined ? all : sql`b.source_id = ${of.sourceId}`}
      and ${of.programmeId === undefined ? all : sql`b.programme_id = ${of.programmeId}`}
    group by 1, 2, 3, 4, 5, 6
    order by 1, 2, 3, 4, 5, 6`.execute(db);
  return rows;
}
