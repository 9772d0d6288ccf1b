import { type Kysely, sql } from 'kysely';
import type { Limit } from '../api/gateway/policy.ts';
import type { HeaderList } from '../exchange/headers.ts';
import { matchesGlob } from '../rights/glob.ts';
import type { MediatorTables } from '../tables.ts';

/** Whether a request is within a limit, how much is left, and in how many seconds there is more. */
export interface Standing {
  readonly allowed: boolean;
  readonly limit: number;
  readonly remaining: number;
  readonly reset: number;
}

interface Bucket {
  tokens: number;
  at: number;
}

const bucketMs: Readonly<Partial<Record<Limit['per'], number>>> = { second: 1000, minute: 60_000 };

/** When a window began and ends (UTC). */
function windowOf(per: Limit['per'], now: Date): { readonly start: Date; readonly end: Date } {
  const [year, month, day, hour] = [
    now.getUTCFullYear(),
    now.getUTCMonth(),
    now.getUTCDate(),
    now.getUTCHours(),
  ];
  if (per === 'hour')
    return {
      start: new Date(Date.UTC(year, month, day, hour)),
      end: new Date(Date.UTC(year, month, day, hour + 1)),
    };
  if (per === 'day')
    return { start: new Date(Date.UTC(year, month, day)), end: new Date(Date.UTC(year, month, day + 1)) };
  return { start: new Date(Date.UTC(year, month)), end: new Date(Date.UTC(year, month + 1)) };
}

const rememberedBuckets = 100_000;

const nameOf = ({ requests, per, consumer = '', method = '*', path = '**' }: Limit): string =>
  `${requests}/${per} ${consumer} ${method.toUpperCase()} ${path}`;

const concerns = (limit: Limit, client: string, method: string, path: string): boolean =>
  (limit.consumer === undefined || limit.consumer === client) &&
  (limit.method === undefined || limit.method.toUpperCase() === method) &&
  (limit.path === undefined || matchesGlob(limit.path, path));

export interface Limits {
  /** Counts a request against every limit that concerns it; undefined: none does. The first that is used up refuses. */
  take(
    service: string,
    limits: readonly Limit[],
    request: { readonly client: string; readonly method: string; readonly path: string },
  ): Promise<Standing | undefined>;
}

export function openLimits(db: Kysely<MediatorTables>, now: () => Date): Limits {
  const buckets = new Map<string, Bucket>();

  function fromBucket(name: string, requests: number, perMs: number): Standing {
    const at = performance.now();
    const bucket = buckets.get(name) ?? { tokens: requests, at };
    const rate = requests / perMs;
    bucket.tokens = Math.min(requests, bucket.tokens + (at - bucket.at) * rate);
    bucket.at = at;
    buckets.delete(name);
    buckets.set(name, bucket);
    if (buckets.size > rememberedBuckets) buckets.delete(buckets.keys().next().value as string);
    const allowed = bucket.tokens >= 1;
    if (allowed) bucket.tokens -= 1;
    const wait = bucket.tokens >= 1 ? 0 : (1 - bucket.tokens) / rate / 1000;
    return {
      allowed,
      limit: requests,
      remaining: Math.floor(bucket.tokens),
      reset: Math.max(1, Math.ceil(wait)),
    };
  }

  /** Counts only what is allowed: who is refused does not use up what is left for later. */
  async function fromWindow(service: string, client: string, limit: Limit): Promise<Standing> {
    const moment = now();
    const { start, end } = windowOf(limit.per, moment);
    const { rows } = await sql<{ count: string }>`
      insert into gateway_count as known (service_id, consumer, "limit", window_start, count)
      values (${service}, ${client}, ${nameOf(limit)}, ${start}, 1)
      on conflict on constraint gateway_count_pkey do update
      set count = known.count + 1
      where known.count < ${limit.requests}
      returning count`.execute(db);
    const allowed = rows.length === 1;
    return {
      allowed,
      limit: limit.requests,
      remaining: allowed ? limit.requests - Number(rows[0]?.count) : 0,
      reset: Math.max(1, Math.ceil((end.getTime() - moment.getTime()) / 1000)),
    };
  }

  return {
    async take(service, limits, { client, method, path }) {
      let tightest: Standing | undefined;
      for (const limit of limits.filter((one) => concerns(one, client, method, path))) {
        const perMs = bucketMs[limit.per];
        const standing =
          perMs === undefined
            ? await fromWindow(service, client, limit)
            : fromBucket(`${service} ${client} ${nameOf(limit)}`, limit.requests, perMs);
        if (!standing.allowed) return standing;
        if (!tightest || standing.remaining < tightest.remaining) tightest = standing;
      }
      return tightest;
    },
  };
}

/** What a consumer is told of a limit. */
export const limitHeaders = ({ allowed, limit, remaining, reset }: Standing): HeaderList => [
  ['RateLimit-Limit', String(limit)],
  ['RateLimit-Remaining', String(remaining)],
  ['RateLimit-Reset', String(reset)],
  ...(allowed ? [] : ([['Retry-After', String(reset)]] as const)),
];

/** Counts of windows long past go. */
export async function eraseOldCounts(db: Kysely<MediatorTables>, now: Date): Promise<void> {
  await sql`delete from gateway_count where window_start < ${new Date(now.getTime() - 40 * 86_400_000)}`.execute(
    db,
  );
}
