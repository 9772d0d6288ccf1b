import { Pool } from 'undici';

export interface Figures {
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  readonly errors: number;
}

const body = JSON.stringify({ household: 'b4b0f1c2', members: [{ age: 41 }, { age: 39 }], roof: 'thatch' });
const at = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;

/** One way to the provider. */
export interface Way {
  readonly name: string;
  readonly origin: string;
  readonly path: string;
}
const headers = { 'content-type': 'application/json', 'x-road-client': 'BENCH/GOV/MSP/service' };

async function call(pool: Pool, path: string): Promise<boolean> {
  try {
    const response = await pool.request({ method: 'POST', path, headers, body });
    await response.body.dump();
    return response.statusCode === 200;
  } catch {
    return false;
  }
}

/** `inFlight` callers, each calling again as soon as it is answered; times in milliseconds after a warm-up. */
export async function closedLoad({ origin, path }: Way, inFlight: number, seconds: number): Promise<Figures> {
  const pool = new Pool(origin, { connections: inFlight });
  const times: number[] = [];
  let errors = 0;
  const warmUntil = performance.now() + 1500;
  const until = warmUntil + seconds * 1000;
  const caller = async (): Promise<void> => {
    while (performance.now() < until) {
      const started = performance.now();
      const good = await call(pool, path);
      if (started < warmUntil) continue;
      if (!good) errors += 1;
      times.push(performance.now() - started);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, caller));
  await pool.close();
  times.sort((a, b) => a - b);
  return { perSecond: times.length / seconds, p50: at(times, 0.5), p99: at(times, 0.99), errors };
}

/** `perSecond` calls a second, whether or not the ones before are answered. */
export async function openLoad({ origin, path }: Way, perSecond: number, seconds: number): Promise<Figures> {
  const pool = new Pool(origin, { connections: 64 });
  await Promise.all(Array.from({ length: 8 }, () => call(pool, path)));
  const times: number[] = [];
  let errors = 0;
  const began = performance.now();
  const calls = Array.from({ length: perSecond * seconds }, async (_, index) => {
    await new Promise((resolve) => setTimeout(resolve, (index * 1000) / perSecond));
    const started = performance.now();
    if (!(await call(pool, path))) errors += 1;
    times.push(performance.now() - started);
  });
  await Promise.all(calls);
  const took = (performance.now() - began) / 1000;
  await pool.close();
  times.sort((a, b) => a - b);
  return { perSecond: times.length / took, p50: at(times, 0.5), p99: at(times, 0.99), errors };
}
