import { createHash } from 'node:crypto';
import type pg from 'pg';

/** One record on its way into the log; the chain adds `seq` and `hash`. */
export interface LogRecord {
  readonly exchangeId: string;
  readonly kind: 'request' | 'response';
  readonly at: Date;
  readonly client: string;
  readonly operator: string | undefined;
  readonly service: string;
  readonly method: string;
  readonly path: string;
  readonly status?: number;
  readonly error?: string;
  readonly durationMs?: number;
  readonly accessUsed?: string;
  readonly correlationId: string;
  readonly traceId: string;
  readonly signer?: string;
  readonly keyId?: string;
  readonly digest: Buffer;
  readonly signature?: Buffer;
  readonly message?: Buffer;
}

/** What the chain covers of a record, in a fixed order. */
export function chainHash(previous: Buffer, seq: bigint, record: LogRecord): Buffer {
  const facts = [
    seq.toString(),
    record.exchangeId,
    record.kind,
    record.at.toISOString(),
    record.client,
    record.operator ?? null,
    record.service,
    record.method,
    record.path,
    record.status ?? null,
    record.error ?? null,
    record.durationMs ?? null,
    record.accessUsed ?? null,
    record.correlationId,
    record.traceId,
    record.signer ?? null,
    record.keyId ?? null,
    record.digest.toString('base64'),
    record.signature?.toString('base64') ?? null,
    record.message ? createHash('sha256').update(record.message).digest('base64') : null,
  ];
  return createHash('sha256').update(previous).update(JSON.stringify(facts)).digest();
}

export const genesis = Buffer.alloc(32);

/** Lock under which nodes that share a database extend the one chain. */
const chainLock = 7_302_118_044;

const maxBatch = 500;

interface Waiting {
  readonly record: LogRecord;
  readonly done: () => void;
  readonly fail: (error: Error) => void;
}

export interface MessageLog {
  /** Resolves when the record is durably in the chain; rejects when it could not be written. */
  append(record: LogRecord): Promise<void>;
  /** Waits for what is being written. */
  close(): Promise<void>;
}

/**
 * The append-only log. All records that arrive while one batch is being written go into the next one: one insert and
 * one commit for many exchanges, and still nobody is answered before their record is on disk.
 */
export function openMessageLog(pool: pg.Pool): MessageLog {
  let queue: Waiting[] = [];
  let running: Promise<void> | undefined;

  async function write(batch: readonly Waiting[]): Promise<void> {
    const client = await pool.connect();
    try {
      await client.query('begin');
      await client.query('select pg_advisory_xact_lock($1)', [chainLock]);
      const last = await client.query<{ seq: string; hash: Buffer }>(
        'select seq, hash from message_log order by seq desc limit 1',
      );
      let seq = BigInt(last.rows[0]?.seq ?? 0);
      let hash: Buffer = last.rows[0]?.hash ?? genesis;
      const rows = batch.map(({ record }) => {
        seq += 1n;
        hash = chainHash(hash, seq, record);
        return { seq: seq.toString(), hash, record };
      });
      const column = <T>(pick: (row: (typeof rows)[number]) => T): T[] => rows.map(pick);
      await client.query(
        `insert into message_log (seq, exchange_id, kind, at, client, operator, service, method, path, status, error,
           duration_ms, access_used, correlation_id, trace_id, signer, key_id, digest, signature, message, hash)
         select * from unnest($1::bigint[], $2::uuid[], $3::text[], $4::timestamptz[], $5::text[], $6::text[], $7::text[],
           $8::text[], $9::text[], $10::integer[], $11::text[], $12::integer[], $13::text[], $14::text[], $15::text[],
           $16::text[], $17::text[], $18::bytea[], $19::bytea[], $20::bytea[], $21::bytea[])`,
        [
          column((row) => row.seq),
          column((row) => row.record.exchangeId),
          column((row) => row.record.kind),
          column((row) => row.record.at.toISOString()),
          column((row) => row.record.client),
          column((row) => row.record.operator ?? null),
          column((row) => row.record.service),
          column((row) => row.record.method),
          column((row) => row.record.path),
          column((row) => row.record.status ?? null),
          column((row) => row.record.error ?? null),
          column((row) => row.record.durationMs ?? null),
          column((row) => row.record.accessUsed ?? null),
          column((row) => row.record.correlationId),
          column((row) => row.record.traceId),
          column((row) => row.record.signer ?? null),
          column((row) => row.record.keyId ?? null),
          column((row) => row.record.digest),
          column((row) => row.record.signature ?? null),
          column((row) => row.record.message ?? null),
          column((row) => row.hash),
        ],
      );
      await client.query('commit');
    } catch (error) {
      await client.query('rollback').catch(() => undefined);
      throw error;
    } finally {
      client.release();
    }
  }

  async function drain(): Promise<void> {
    while (queue.length > 0) {
      const batch = queue.slice(0, maxBatch);
      queue = queue.slice(maxBatch);
      try {
        await write(batch);
        for (const one of batch) one.done();
      } catch (error) {
        for (const one of batch) one.fail(error as Error);
      }
    }
    running = undefined;
  }

  return {
    append: (record) =>
      new Promise((done, fail) => {
        queue.push({ record, done, fail });
        // Left to the next turn of the event loop, so that exchanges of this turn share the first batch.
        running ??= new Promise((resolve) => setImmediate(() => resolve(drain())));
      }),
    async close() {
      await running;
    },
  };
}
