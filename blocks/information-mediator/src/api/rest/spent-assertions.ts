import type pg from 'pg';

/** Remembers which assertions were used, for all nodes that share the database and over restarts. */
export interface SpentAssertions {
  /** Answers true the first time, false ever after. */
  spend(digest: Buffer, expires: Date): Promise<boolean>;
}

interface Waiting {
  readonly digest: Buffer;
  readonly expires: Date;
  readonly done: (fresh: boolean) => void;
  readonly fail: (error: Error) => void;
}

const maxBatch = 500;
const sweepMs = 60_000;

/** Those that arrive while others are being written share the next statement. */
export function openSpentAssertions(pool: pg.Pool): SpentAssertions {
  let queue: Waiting[] = [];
  let busy = false;
  let sweptAt = 0;

  async function write(batch: readonly Waiting[]): Promise<void> {
    const { rows } = await pool.query<{ digest: string }>({
      name: 'spend-assertions',
      // Not worth waiting for the disk: what a crash of the database server forgets has a minute left at most.
      text: `
        with relaxed as materialized (
          select set_config('synchronous_commit', 'off', true)
        )
        insert into spent_assertion (digest, expires_at)
        select decode(digest, 'hex'), expires_at
        from unnest($1::text[], $2::timestamptz[]) as assertion (digest, expires_at), relaxed
        on conflict on constraint spent_assertion_pkey do nothing
        returning encode(digest, 'hex') as digest`,
      values: [
        batch.map(({ digest }) => digest.toString('hex')),
        batch.map(({ expires }) => expires.toISOString()),
      ],
    });
    const fresh = new Set(rows.map(({ digest }) => digest));
    // The same assertion twice in one batch: only the first of them is fresh.
    for (const { digest, done } of batch) done(fresh.delete(digest.toString('hex')));
    if (Date.now() - sweptAt < sweepMs) return;
    sweptAt = Date.now();
    await pool.query('delete from spent_assertion where expires_at < now()');
  }

  async function drain(): Promise<void> {
    while (queue.length > 0) {
      const batch = queue.slice(0, maxBatch);
      queue = queue.slice(maxBatch);
      await write(batch).catch((error: Error) => {
        for (const one of batch) one.fail(error);
      });
    }
    busy = false;
  }

  return {
    spend: (digest, expires) =>
      new Promise((done, fail) => {
        queue.push({ digest, expires, done, fail });
        if (busy) return;
        busy = true;
        setImmediate(() => void drain());
      }),
  };
}
