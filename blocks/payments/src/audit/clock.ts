import { sql } from 'kysely';
import type { Db } from '../tables.ts';

/** How far this node's clock is from the database's, in milliseconds, half the way there taken off. */
export async function clockDifference(db: Db): Promise<number> {
  const before = Date.now();
  const { rows } = await sql<{ ms: string }>`
    select (extract(epoch from clock_timestamp()) * 1000)::bigint as ms`.execute(db);
  const after = Date.now();
  return Math.abs(Number(rows[0]?.ms) - (before + after) / 2);
}

/** Rejects when the clocks are further apart than allowed: what is written down would not be in order (PAY-6.8-c). */
export async function assertClock(db: Db, toleranceSeconds: number): Promise<void> {
  const apart = await clockDifference(db);
  if (apart > toleranceSeconds * 1000)
    throw new Error(`the clocks of this node and its database are ${Math.round(apart)} ms apart`);
}
